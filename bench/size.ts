// What takes the space in a node's image, and the memory once it is up.
//   node bench/size.ts [PROFILE]        PI_CACHE: the cache that holds its last build
import { readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import prettyBytes from "pretty-bytes";
import { bootImage } from "../lib/emulator/boot.ts";
import { findBuiltImage } from "../lib/emulator/find-image.ts";
import { listTree } from "../lib/external/files.ts";
import { withScratch } from "../lib/external/scratch.ts";
import { realWorld } from "../lib/external/world.ts";
import { ensureTools } from "../lib/image/tools/ensure.ts";
import { plainReporter } from "../lib/progress/plain.ts";

const SHOWN = 20;
const profile = process.argv[2] ?? "agent";
const cacheDir = process.env.PI_CACHE ?? "/var/cache/home-pi-cluster";
const world = realWorld(new AbortController().signal);
const reporter = plainReporter({
  now: () => world.clock.now(),
  write: (text) => void process.stderr.write(text),
  verbose: false,
});

const tools = await ensureTools(world, reporter, cacheDir);
const built = await findBuiltImage(cacheDir, { cluster: "home", profile, board: "rpi-arm64" });
const slot = join(built.image, "..", "slot.ext4");

/** Bytes of every file of the slot by the package that brought it; what none brought by its folder. */
async function bytesByOwner(folder: string): Promise<Map<string, number>> {
  const command = tools.command(["debugfs", "-R", `rdump / ${folder}`, slot], {
    binds: [{ source: folder }, { source: join(slot, ".."), readOnly: true }],
    timeoutMs: 300_000,
  });
  await world.processes.run(command);
  const info = join(folder, "var/lib/dpkg/info");
  const owners = new Map<string, string>();
  for (const name of (await readdir(info)).filter((file) => file.endsWith(".list"))) {
    const owner = name.replace(/(:[a-z0-9]+)?\.list$/, "");
    for (const path of (await readFile(join(info, name), "utf8")).split("\n")) owners.set(path, owner);
  }
  const found = new Map<string, number>();
  for (const { path, kind } of await listTree(folder)) {
    if (kind !== "file") continue;
    const owner = owners.get(`/${path}`) ?? `(made) /${path.split("/").slice(0, 2).join("/")}`;
    found.set(owner, (found.get(owner) ?? 0) + (await stat(join(folder, path))).size);
  }
  return found;
}

function show(title: string, rows: readonly (readonly [string, number])[]): void {
  const all = rows.reduce((sum, [, bytes]) => sum + bytes, 0);
  const table = new Table({ head: [title, "size", "share"], style: { head: [], border: [], compact: true } });
  for (const [name, bytes] of [...rows].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)) {
    table.push([name, prettyBytes(bytes), `${((100 * bytes) / all).toFixed(1)} %`]);
  }
  console.log(table.toString());
}

await withScratch(tmpdir(), "size-", async (folder) => {
  show("package", [...(await bytesByOwner(folder))]);
});
console.log(
  `image of ${profile}: ${prettyBytes((await stat(built.image)).size)} compressed (goal: 300 MB), slot ${prettyBytes((await stat(slot)).size)}`,
);
await withScratch(tmpdir(), "boot-", async (scratch) => {
  const options = { machine: "virt", ...built, boots: 1, scratch, consoleLog: join(scratch, "log") } as const;
  const result = await reporter.step("boot on virt", {}, (step) => bootImage(options, tools, world, step));
  const memory = result.boots[0]?.report.memory;
  if (memory === undefined) throw new Error("the node reported no memory");
  const rows = memory.processes.map(({ name, bytes }) => [name, bytes] as const);
  show("process (own share)", [...rows, ["(the kernel)", memory.kernelBytes]]);
  const used = memory.totalBytes - memory.availableBytes;
  console.log(
    `memory in use once it is up: ${prettyBytes(used)} of ${prettyBytes(memory.totalBytes)} (goal: 200 MB)`,
  );
});

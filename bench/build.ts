// How long a build takes: cold, with nothing changed, and cold with nothing native inside foreign roots
// (--plain), in one run, with their ratios. Equal digests are part of the claim: without them it fails.
//   node bench/build.ts [PROFILE]        PI_BENCH_CACHE: an empty or absent folder; default: a temporary one
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import { assetsRoot } from "../lib/external/assets.ts";
import { processes } from "../lib/external/process.ts";

interface Digests {
  readonly tree: { readonly sha256: string };
  readonly slot: { readonly sha256: string };
  readonly disk: { readonly sha256: string };
}

interface Run {
  readonly seconds: number;
  /** Seconds by step, as the build itself printed them. */
  readonly steps: ReadonlyMap<string, number>;
}

const HOUR_MS = 3_600_000;
const profile = process.argv[2] ?? "agent";
const cache = process.env.PI_BENCH_CACHE ?? (await mkdtemp(join(tmpdir(), "bench-build-")));

/** `1m 36s`, `5.4s`, `231ms` as pretty-ms writes them. */
function seconds(text: string): number {
  const unit: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };
  return [...text.matchAll(/([\d.]+)(ms|[hms])/g)].reduce(
    (sum, [, value, name]) => sum + Number(value) * (unit[name ?? "s"] ?? 1),
    0,
  );
}

async function build(...options: string[]): Promise<Run> {
  const steps = new Map<string, number>();
  const started = performance.now();
  await processes.run({
    argv: [
      process.execPath,
      join(assetsRoot, "cli/main.ts"),
      "build",
      profile,
      "--out",
      join(cache, "out"),
      ...options,
    ],
    env: { PI_CACHE: cache, CI: "true" },
    timeoutMs: 3 * HOUR_MS,
    onLine: (line) => {
      const match = /^\[[^\]]*\] (.+?) done in (.+)$/.exec(line);
      if (match !== null) steps.set((match[1] ?? "").replace(" (plain)", ""), seconds(match[2] ?? ""));
    },
  });
  const run = { seconds: (performance.now() - started) / 1000, steps };
  process.stderr.write(`build ${profile} ${options.join(" ")}: ${run.seconds.toFixed(1)} s\n`);
  return run;
}

async function digests(room: string): Promise<Digests> {
  const names = (await readdir(join(cache, room))).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const [name = ""] = names;
  return JSON.parse(await readFile(join(cache, room, name, "buildinfo.json"), "utf8")) as Digests;
}

const cold = await build();
const warm = await build();
const plain = await build("--plain");

const tools = (cold.steps.get("tools tree") ?? 0) + (cold.steps.get("package lists") ?? 0);
const table = new Table({ head: ["step", "cold", "--plain", "ratio"] });
for (const [step, taken] of cold.steps) {
  const other = plain.steps.get(step);
  table.push([
    step,
    `${taken.toFixed(1)} s`,
    other === undefined ? "" : `${other.toFixed(1)} s`,
    other === undefined ? "" : (taken / other).toFixed(2),
  ]);
}
const ratio = cold.seconds / (plain.seconds + tools);
table.push([
  "all, tools tree in both",
  `${cold.seconds.toFixed(1)} s`,
  `${(plain.seconds + tools).toFixed(1)} s`,
  ratio.toFixed(2),
]);
console.log(table.toString());
console.log(
  `nothing changed: ${warm.seconds.toFixed(2)} s, ${((100 * warm.seconds) / cold.seconds).toFixed(2)} % of the cold build (goal: 2 %)`,
);
console.log(`cold build: ${ratio.toFixed(2)} of --plain (goal: 0.50)`);

const [native, emulated] = [await digests("builds"), await digests("builds-plain")];
let equal = true;
for (const part of ["tree", "slot", "disk"] as const) {
  const same = native[part].sha256 === emulated[part].sha256;
  equal &&= same;
  console.log(
    `${part}: ${same ? `equal, ${native[part].sha256}` : `DIFFERENT: ${native[part].sha256} and ${emulated[part].sha256}`}`,
  );
}
if (process.env.PI_BENCH_CACHE === undefined) await rm(cache, { recursive: true, force: true });
process.exit(equal ? 0 : 1);

// The memory and the speed of a release's upload: 1.9 GiB to a server on this machine, beside plain curl to the
// same server in the same run. Fails above 160 MB of resident memory.
//   node bench/upload.ts [GIB]
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Table from "cli-table3";
import prettyBytes from "pretty-bytes";
import { assetsRoot } from "../lib/external/assets.ts";
import { sha256OfFile } from "../lib/external/files.ts";
import { processes } from "../lib/external/process.ts";
import { withScratch } from "../lib/external/scratch.ts";

const GIB = 2 ** 30;
const MOST_BYTES = 160_000_000;
const TIMEOUT_MS = 1_800_000;
const bytes = Math.round(Number(process.argv[2] ?? "1.9") * GIB);

interface Measured {
  readonly seconds: number;
  readonly maxRssBytes: number;
}

async function startSink() {
  const address = Promise.withResolvers<string>();
  const argv = [process.execPath, join(assetsRoot, "workbench/github/upload-sink.ts")] as const;
  const sink = processes.start({ argv }, (chunk) => address.resolve(chunk.toString("utf8").trim()));
  void sink.exited.then(() => address.reject(new Error("the server ended")));
  return { sink, url: await address.promise };
}

async function withCurl(url: string, file: string): Promise<number> {
  const started = performance.now();
  const quiet = ["--silent", "--show-error", "--fail", "--noproxy", "*", "--output", "/dev/null"] as const;
  await processes.run({ argv: ["curl", ...quiet, "-T", file, `${url}/curl`], timeoutMs: TIMEOUT_MS });
  return (performance.now() - started) / 1000;
}

async function withOurs(url: string, file: string, sha256: string): Promise<Measured> {
  const program = join(assetsRoot, "bench/upload-one.ts");
  const argv = [process.execPath, program, url, file, sha256] as const;
  const { stdout } = await processes.run({ argv, timeoutMs: TIMEOUT_MS });
  return JSON.parse(stdout) as Measured;
}

await withScratch(tmpdir(), "bench-upload-", async (folder) => {
  const file = join(folder, "image");
  const handle = await open(file, "w");
  await handle.truncate(bytes);
  await handle.close();
  const sha256 = await sha256OfFile(file);
  const { sink, url } = await startSink();
  try {
    const before = await withCurl(url, file);
    const ours = await withOurs(url, file, sha256);
    const after = await withCurl(url, file);
    const curl = (before + after) / 2;
    const table = new Table({
      head: ["", "seconds", "speed"],
      style: { head: [], border: [], compact: true },
    });
    const row = (name: string, seconds: number): void => {
      table.push([name, seconds.toFixed(1), `${prettyBytes(bytes / seconds)}/s`]);
    };
    row("curl -T, before", before);
    row("release upload", ours.seconds);
    row("curl -T, after", after);
    console.log(table.toString());
    console.log(`${prettyBytes(bytes)}: ${(curl / ours.seconds).toFixed(2)} of curl's speed`);
    console.log(`peak memory ${prettyBytes(ours.maxRssBytes)} (goal: at most ${prettyBytes(MOST_BYTES)})`);
    if (ours.maxRssBytes > MOST_BYTES) process.exitCode = 1;
  } finally {
    await sink.stop(1_000);
  }
});

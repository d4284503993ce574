// Takes one file up or down as an artifact, and says how long it took and how much memory: for bench/artifact.ts.
//   node bench/artifact-one.ts up|down FILE
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { openRunArtifacts } from "../lib/external/run-artifacts.ts";

const [way = "", file = ""] = process.argv.slice(2);
const artifacts = await openRunArtifacts();
const started = performance.now();
if (way === "up") await artifacts.upload("image", [file]);
else {
  const [image] = await artifacts.list();
  if (image === undefined) throw new Error("nothing was uploaded");
  const folder = join(dirname(file), "down");
  await artifacts.download(image, folder);
  const { size } = await stat(join(folder, basename(file)));
  if (size !== (await stat(file)).size) throw new Error(`${size} bytes arrived`);
}
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  `\n${JSON.stringify({ seconds, maxRssBytes: process.resourceUsage().maxRSS * 1024 })}\n`,
);
process.exit(0);

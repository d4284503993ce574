// Uploads one file as a release does, and says how long it took and how much memory: for bench/upload.ts.
//   node bench/upload-one.ts URL FILE SHA256
import { stat } from "node:fs/promises";
import { clock } from "../lib/external/clock.ts";
import { openGithub } from "../lib/external/github.ts";

const [url = "", path = "", sha256 = ""] = process.argv.slice(2);
const limits = { stallMs: 60_000, totalMs: 3_600_000, maxAnswerBytes: 1024 * 1024 };
const github = openGithub(
  { owner: "a", repo: "b", token: "none", apiUrl: url, limits, transferLimits: limits },
  { clock, signal: new AbortController().signal },
);
const { size } = await stat(path);
const started = performance.now();
const asset = await github.upload({ upload_url: `${url}/assets{?name,label}` }, "image", {
  path,
  bytes: size,
  sha256,
});
const seconds = (performance.now() - started) / 1000;
if (asset.size !== size) throw new Error(`${asset.size} of ${size} bytes arrived`);
process.stdout.write(`${JSON.stringify({ seconds, maxRssBytes: process.resourceUsage().maxRSS * 1024 })}\n`);

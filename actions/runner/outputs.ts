import { appendFile } from "node:fs/promises";
import { setOutput } from "@actions/core";

/** Sets every output an action declares; `names` is the record of their descriptions. */
export function writeOutputs<Name extends string>(
  names: Readonly<Record<Name, string>>,
  values: Readonly<Record<Name, string>>,
): void {
  for (const name of Object.keys(names) as Name[]) setOutput(name, values[name]);
}

/** GitHub refuses a step's summary of more than 1 MiB. */
const SUMMARY_LIMIT_BYTES = 1024 * 1024 - 1024;

/** Adds Markdown to the job's summary; without a runner there is none. */
export async function addSummary(markdown: string): Promise<void> {
  const file = process.env.GITHUB_STEP_SUMMARY;
  if (file === undefined || file === "") return;
  const bytes = Buffer.from(`${markdown}\n`);
  const cut = bytes.length > SUMMARY_LIMIT_BYTES;
  await appendFile(
    file,
    cut ? `${bytes.subarray(0, SUMMARY_LIMIT_BYTES)}\n\n(cut: too long for GitHub)\n` : bytes,
  );
}

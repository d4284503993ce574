import { tmpdir } from "node:os";

/** Folder of the checkout; the runner starts every action in it. */
export const workspace: string = process.env.GITHUB_WORKSPACE || process.cwd();

/** Folder for files of this job, which the runner empties afterwards. */
export const temporary: string = process.env.RUNNER_TEMP || tmpdir();

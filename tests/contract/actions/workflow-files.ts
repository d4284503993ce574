import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { root } from "./run-action.ts";

const stepSchema = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

const workflowSchema = z.object({
  on: z.unknown(),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string() }).loose(),
  jobs: z.record(
    z.string(),
    z.object({
      // A job that is another workflow has the time limits of that one.
      "timeout-minutes": z.number().int().positive().optional(),
      uses: z.string().optional(),
      with: z.record(z.string(), z.unknown()).optional(),
      name: z.string().optional(),
      environment: z.string().optional(),
      "runs-on": z.string().optional(),
      permissions: z.record(z.string(), z.string()),
      if: z.string().optional(),
      needs: z.union([z.string(), z.array(z.string())]).default([]),
      steps: z.array(stepSchema).default([]),
    }),
  ),
});

const folder = join(root, ".github", "workflows");
/** Names of the workflow files. */
export const files = (await readdir(folder)).sort();
export const sources = await Promise.all(
  files.map(async (file) => {
    const text = await readFile(join(folder, file), "utf8");
    return { file, text, workflow: workflowSchema.parse(parse(text)) };
  }),
);
export const jobs = sources.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ file, name, job })),
);
export const steps = jobs.flatMap(({ file, name, job }) =>
  job.steps.map((step) => ({ where: `${file} ${name}`, step })),
);

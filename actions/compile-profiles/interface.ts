import { z } from "zod";
import { backportInput } from "../runner/backport.ts";
import { JOB_TOKEN } from "../runner/github.ts";
import { listOf } from "../runner/inputs.ts";

export const inputs = z.object({
  definition: z
    .string()
    .default("cluster.yaml")
    .describe("The definition to compile, relative to the workspace."),
  "affected-since": z
    .string()
    .optional()
    .describe(
      "Select only builds whose build id differs from this state's: a git ref such as `HEAD^1`, or the folder of another checkout (starts with `/` or `.`).",
    ),
  version: z
    .string()
    .optional()
    .describe(
      "The version the builds are for, such as `v1.2.3`: refused here, not after hours, where it is none, comes before the latest, or is another commit's. Needs all profiles.",
    ),
  backport: backportInput,
  token: z
    .string()
    .default(JOB_TOKEN)
    .describe(
      "Token with `contents: read`, to hold `version` against what is published; without one that is left to publish-release.",
    ),
  profiles: z
    .string()
    .optional()
    .transform((text) => (text === undefined ? undefined : listOf(text)))
    .describe(
      "Select only these profiles, separated by blanks or commas. Not together with `affected-since`.",
    ),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  matrix:
    'The selected builds for `strategy.matrix`: `{"include":[{"id":"...","profile":"...","board":"..."}]}`.',
  any: "`true` when at least one build is selected, else `false`; GitHub refuses an empty matrix.",
  since: "The commit of `affected-since`, in full, for build-image's `compare-with`; empty without one.",
  plan: "Path of a JSON file with the whole plan, for later steps of the same job.",
} as const;

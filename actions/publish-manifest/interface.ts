import { z } from "zod";
import { JOB_TOKEN } from "../runner/github.ts";

export const inputs = z.object({
  change: z
    .enum(["refresh", "release", "block", "unblock", "approve"])
    .describe(
      "`refresh` renews what is about to expire, and publishes what was signed elsewhere; `release` tells nodes of a published release; `block` and `unblock` forbid and allow a version; `approve` signs what waits.",
    ),
  version: z.string().optional().describe("The version to release, block or unblock: `v1.2.3`."),
  reason: z.string().optional().describe("Why a version is blocked; nodes show it."),
  profile: z.string().optional().describe("Blocks only the images of this profile."),
  force: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .default(false)
    .describe("`true` makes `refresh` sign a new timestamp in any case."),
  definition: z
    .string()
    .default("cluster.yaml")
    .describe("The definition, relative to the workspace; `keys/` lies beside it."),
  remote: z
    .string()
    .optional()
    .describe("The git repository whose branch `manifest` is written (default: this one)."),
  "keep-alive": z
    .string()
    .optional()
    .describe(
      "Workflow to switch on again, such as `manifest.yml`: GitHub ends schedules after 60 quiet days. Needs `actions: write`.",
    ),
  token: z.string().default(JOB_TOKEN).describe("Token with `contents: write`."),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  changed: "`true` when something was written, else `false`.",
  plan: "What was planned, one line each.",
} as const;

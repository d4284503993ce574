import { z } from "zod";
import { backportInput } from "../runner/backport.ts";
import { JOB_TOKEN } from "../runner/github.ts";

export const inputs = z.object({
  version: z.string().describe("The version to publish: `v1.2.3` for stable, `v1.2.3-rc.1` for beta."),
  definition: z
    .string()
    .default("cluster.yaml")
    .describe("The definition the builds are of, relative to the workspace; `keys/` lies beside it."),
  backport: backportInput,
  attest: z
    .enum(["auto", "off"])
    .default("auto")
    .describe(
      "`auto` attests where the files come from, and warns where the plan or the visibility lacks that.",
    ),
  "fulcio-url": z
    .url()
    .optional()
    .describe("Another Fulcio than the one that fits the repository's visibility."),
  "rekor-url": z.url().optional().describe("Another Rekor; only together with `fulcio-url`."),
  "tsa-url": z.url().optional().describe("Another timestamp authority; only together with `fulcio-url`."),
  "manifest-workflow": z
    .string()
    .optional()
    .describe("Workflow to start for the published release and to wait for, such as `manifest.yml`."),
  "manifest-ref": z
    .string()
    .default("main")
    .describe("Branch whose `manifest-workflow` runs: the default branch."),
  token: z
    .string()
    .default(JOB_TOKEN)
    .describe("Token with `contents: write`; `actions: write` for `manifest-workflow`."),
  "cache-dir": z
    .string()
    .default("/var/cache/home-pi-cluster")
    .describe("Folder that keeps the build tools. Not one that jobs with playbooks have written to."),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  tag: "The published tag.",
  url: "Page of the release.",
  published: "`true` when it was published by this run, `false` when it was there already, whole.",
  assets: 'The files as JSON: `[{"name":"...","bytes":1,"sha256":"..."}]`.',
  attestation: "Id of the attestation; empty where there is none.",
} as const;

import { z } from "zod";
import { cacheInput } from "../runner/layers.ts";

export const inputs = z.object({
  id: z
    .string()
    .describe("The build: its `id` in the matrix compile-profiles gave, such as `agent-rpi-arm64`."),
  definition: z
    .string()
    .default("cluster.yaml")
    .describe("The definition the build is in, relative to the workspace."),
  builder: z
    .enum(["chroot", "packer"])
    .default("chroot")
    .describe(
      "`chroot` needs nothing but Debian packages; `packer` lets Packer with its ARM plugin run the same playbook.",
    ),
  "cache-dir": z
    .string()
    .default("/var/cache/home-pi-cluster")
    .describe("Folder that keeps finished layers. It belongs to root."),
  cache: cacheInput,
  version: z
    .string()
    .optional()
    .describe(
      "The version the build is for, such as `v1.2.3`: the files get its name, the image is packed smaller, and there is a bundle, signed by nobody yet.",
    ),
  artifact: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, "letters, digits, `.`, `_` and `-` only")
    .optional()
    .describe(
      "Uploads the finished files as an artifact of this name; publish-release looks for `image-<id>`.",
    ),
  "retention-days": z.coerce
    .number({ error: "a number of days" })
    .int("whole days")
    .min(1, "at least 1 day")
    .max(400, "at most 400 days")
    .optional()
    .describe(
      "Days after which GitHub puts the artifact away; without it the repository's setting, 90 where nobody changed it.",
    ),
  "compare-with": z
    .string()
    .regex(/^[0-9a-f]{40,64}$/, "a commit in full, such as compile-profiles gives as `since`")
    .optional()
    .describe(
      "A commit of the base branch: the summary shows what differs from its image, or from the newest one a run with `cache: read-write` left. Changes nothing in the build.",
    ),
  out: z.string().default("out").describe("Folder for the finished files, relative to the workspace."),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  image: "Path of the disk image.",
  "build-id": "The build id: 64 hexadecimal digits over everything that shaped the image.",
  digests: 'SHA-256 of every finished file as JSON: `{"<file name>":"<hex>"}`.',
} as const;

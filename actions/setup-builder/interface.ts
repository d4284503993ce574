import { z } from "zod";
import { cacheInput } from "../runner/layers.ts";

export const inputs = z.object({
  builder: z
    .enum(["chroot", "packer"])
    .default("chroot")
    .describe("`packer` fetches Packer and its ARM plugin as well, as pinned in packer/pins.json."),
  cache: cacheInput,
  "free-disk": z.coerce
    .number({ error: "a number of GiB" })
    .int("whole GiB")
    .min(1, "at least 1 GiB")
    .max(200, "at most 200 GiB")
    .default(10)
    .describe(
      "GiB to have free; where fewer are, programs a hosted runner has and no build needs are removed.",
    ),
  "cache-dir": z
    .string()
    .default("/var/cache/home-pi-cluster")
    .describe("Folder that keeps build tools and layers; the same as for build-image."),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  "free-bytes": "Bytes that are free now.",
  tools: "Digest of the build tools: 64 hexadecimal digits.",
} as const;

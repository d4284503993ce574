import { z } from "zod";

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
  out: z.string().default("out").describe("Folder for the finished files, relative to the workspace."),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  image: "Path of the disk image.",
  "build-id": "The build id: 64 hexadecimal digits over everything that shaped the image.",
  digests: 'SHA-256 of every finished file as JSON: `{"<file name>":"<hex>"}`.',
} as const;

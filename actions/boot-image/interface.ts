import { z } from "zod";
import { machineNames } from "../../lib/emulator/machine.ts";
import { cacheInput } from "../runner/layers.ts";

export const inputs = z.object({
  image: z.string().describe("The disk image, `.img` or `.img.zst`. It is only read: a copy boots."),
  "build-id": z
    .string()
    .regex(/^[0-9a-f]{64}$/, "a build id has 64 hexadecimal digits")
    .optional()
    .describe("The build id the node must report, such as build-image gave. Without it any will do."),
  machine: z
    .enum(machineNames)
    .default("raspi3b")
    .describe("`raspi3b` emulates a Pi 3 with its SD card; `virt` is quicker and proves less."),
  deadline: z.coerce
    .number({ error: "a number of minutes" })
    .int("whole minutes")
    .min(1, "at least 1 minute")
    .max(120, "at most 120 minutes")
    .default(30)
    .describe("Minutes after which the whole step fails, copying the image included."),
  cache: cacheInput,
  artifact: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, "letters, digits, `.`, `_` and `-` only")
    .optional()
    .describe(
      "Uploads result and console log as an artifact of this name; publish-release looks for `boot-<id>`.",
    ),
  "cache-dir": z
    .string()
    .default("/var/cache/home-pi-cluster")
    .describe("Folder that keeps the build tools; the same as for build-image."),
});

export type Inputs = z.output<typeof inputs>;

export const outputs = {
  ok: "`true` when every check passed, else `false`; then the step fails, too.",
  result: "Path of a JSON file with all checks, the node's own report and the times.",
  "console-log": "Path of the full log of the node's console. It is there as well when the boot failed.",
} as const;

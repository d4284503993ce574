import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.looseObject({ bytes: z.int().nonnegative(), sha256 });
const label = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);

/** `buildinfo.json`, read back on another machine. What a later version adds is let through. */
export const buildInfo = z.looseObject({
  version: z.literal(1),
  name: label,
  cluster: label,
  profile: label,
  board: label,
  buildId: sha256,
  inputs: z.record(z.string(), z.string()),
  builder: z.string(),
  base: z.looseObject({ sha256, epoch: z.int().nonnegative() }),
  tools: z.string(),
  tree: z.looseObject({ sha256 }),
  slot: file,
  disk: file,
  durationMs: z.number(),
});

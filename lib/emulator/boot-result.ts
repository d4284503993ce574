import { z } from "zod";
import { machineNames } from "./machine.ts";

/** What `./pi boot --json` writes, as far as a release needs it, read back on another machine. */
export const bootResult = z.looseObject({
  version: z.literal(1),
  ok: z.boolean(),
  machine: z.enum(machineNames),
  checks: z.array(z.looseObject({ name: z.string(), ok: z.boolean() })).min(1),
  boots: z.array(z.looseObject({ timings: z.looseObject({ loginMs: z.number().optional() }) })).min(1),
});

import type { z } from "zod";
import type { BootResult } from "../emulator/boot.ts";
import type { bootResult } from "../emulator/boot-result.ts";
import type { ReleasedBuild } from "./document.ts";

/** What release.json says of a boot test. */
export function bootSummary(result: BootResult | z.infer<typeof bootResult>): ReleasedBuild["boot"] {
  const loginMs = result.boots[0]?.timings.loginMs ?? 0;
  return {
    ...{ machine: result.machine, checks: result.checks.length },
    loginSeconds: Math.round(loginMs / 100) / 10,
  };
}

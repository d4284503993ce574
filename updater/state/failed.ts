import { MAX_FAILED } from "../limits.ts";
import type { Build, State } from "./record.ts";

/**
 * The state in which a build is remembered as failed, once, with why and when (ms since 1970); nothing is on trial any
 * more. Pure.
 */
export function failed(
  state: State,
  build: Pick<Build, "buildId" | "version" | "serial">,
  reason: string,
  at: number,
): State {
  const { trial: _, wish: __, ...rest } = state;
  const { buildId, version, serial } = build;
  const settling = state.settling?.buildId === buildId ? undefined : state.settling;
  const others = state.failed.filter((one) => one.buildId !== buildId);
  const one = { buildId, version, serial, reason: reason.slice(0, 500), at };
  return { ...rest, settling, failed: [...others, one].slice(-MAX_FAILED) };
}

import type { Build } from "../../../lib/cluster/plan.ts";

/** A build of which only the names count. */
export function buildOf(profile: string, board = "rpi-arm64"): Build {
  return {
    id: `${profile}-${board}`,
    profile,
    board,
    role: null,
    packages: [],
    ansible: { vars: {}, roles: [] },
    boot: { overlays: [], watchdog: true },
    buildId: "0".repeat(64),
    inputs: {},
  };
}

import type { Build, Plan } from "../../../lib/cluster/plan.ts";

/** A plan whose builds differ only in what is given: profile, build id, digests of the inputs. */
export function planOf(...builds: readonly (readonly [string, string, Record<string, string>?])[]): Plan {
  return { cluster: "home", builds: builds.map(buildOf) };
}

function buildOf([profile, buildId, inputs = {}]: readonly [string, string, Record<string, string>?]): Build {
  return {
    id: `${profile}-rpi-arm64`,
    profile,
    board: "rpi-arm64",
    role: null,
    packages: [],
    ansible: { vars: {}, roles: [] },
    boot: { overlays: [], watchdog: true },
    buildId,
    inputs,
  };
}

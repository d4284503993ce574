/** What may come before a version, in this order; each is numbered. */
export const STAGES = ["alpha", "beta", "rc"] as const;
const PER_STAGE = 300;
/** Of the version itself, which is later than all that comes before it. */
const FINAL = 999;
/** Numbers up to which serials do not overlap. */
export const LARGEST = { major: 8_999, minor: 999, patch: 999, prerelease: PER_STAGE - 1 } as const;

export interface VersionNumbers {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Undefined: the version itself. */
  readonly stage: { readonly name: (typeof STAGES)[number]; readonly number: number } | undefined;
}

/** A number that is larger exactly where the version is later. The numbers must be none above LARGEST. */
export function serialOfNumbers({ major, minor, patch, stage }: VersionNumbers): number {
  const last = stage === undefined ? FINAL : STAGES.indexOf(stage.name) * PER_STAGE + stage.number;
  return ((major * 1000 + minor) * 1000 + patch) * 1000 + last;
}

/** The version of a serial, without `v`; undefined where it is the serial of none. */
export function versionOfSerial(serial: number): string | undefined {
  const digit = (place: number): number => Math.floor(serial / 1000 ** place) % 1000;
  const major = Math.floor(serial / 1000 ** 3);
  const version = `${major}.${digit(2)}.${digit(1)}`;
  if (!Number.isSafeInteger(serial) || serial < 0 || major > LARGEST.major) return undefined;
  if (digit(0) === FINAL) return version;
  const stage = STAGES[Math.floor(digit(0) / PER_STAGE)];
  return stage === undefined ? undefined : `${version}-${stage}.${digit(0) % PER_STAGE}`;
}

/** The version of a waypoint, without `v`. A serial that is none of a version stands for itself: no release has it. */
export function versionOfWaypoint(serial: number): string {
  return versionOfSerial(serial) ?? `serial ${serial}`;
}

/** Versions that may not be skipped, of one image: a node looks for them one by one. */
export const MAX_WAYPOINTS = 100;

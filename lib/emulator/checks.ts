import { filesReadBy, piModels } from "../image/board/models.ts";
import type { BootState } from "./boot-state.ts";
import type { Report } from "./report.ts";
import type { Timings } from "./timeline.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
}

/** What a build says about itself; what is not known beforehand is not compared. */
export interface ExpectedBuild {
  readonly cluster?: string;
  readonly profile?: string;
  readonly board?: string;
  readonly buildId?: string;
}

export interface Expected {
  /** 1 for the first boot of this card. */
  readonly boot: number;
  readonly slot: "A" | "B";
  readonly build: ExpectedBuild;
  /** Space from the start of the data partition to the end of the card. */
  readonly dataBytes: number;
  /** Number of ssh keys in the identity that was put on p1; undefined: there was none. */
  readonly identityKeys?: number;
}

/** Attempts a slot has after it was marked good. */
const FULL_ATTEMPTS = 3;
/** A file system's own tables take some of the partition it reports. */
const USABLE_SHARE = 0.9;
const SICK_STATES = ["degraded", "maintenance", "stopping", "offline", "unknown"];

/** A check whose values are compared as they are shown. */
function same(name: string, expected: string, actual: string): Check {
  return { name, ok: expected === actual, expected, actual };
}

function list(values: readonly string[]): string {
  return values.length === 0 ? "none" : values.join(", ");
}

/** What a node's report says, against what was booted. Pure; the order is the order of the table. */
export function checkReport(report: Report, expected: Expected): Check[] {
  const { data, bootState, rauc, secrets } = report;
  return [
    same("slot", expected.slot, report.slot),
    ...checkBuild(report, expected.build),
    {
      name: "failed units",
      ok: report.failedUnits.length === 0 && !SICK_STATES.includes(report.systemState),
      expected: "none",
      actual: `${list(report.failedUnits)} (${report.systemState})`,
    },
    same("root file system", "read-only", report.rootReadOnly ? "read-only" : "writable"),
    checkDataState(report, expected.boot),
    {
      name: "data grown",
      ok: data.grown && data.sizeBytes >= expected.dataBytes * USABLE_SHARE,
      expected: `about ${mebibytes(expected.dataBytes)}`,
      actual: `${mebibytes(data.sizeBytes)}${data.grown ? "" : ", not grown"}`,
    },
    checkRoom(report),
    same("/var of this build", `/data/var/${report.buildId}`, report.varSource),
    same("marked good", "yes", report.markedGood ? "yes" : "no"),
    same("boot state copies", "valid, valid, equal", copies(bootState.valid, bootState.equal)),
    same(
      "boot state",
      stateText(expected.slot, String(FULL_ATTEMPTS), "0"),
      stateText(
        bootState.order,
        String(expected.slot === "A" ? bootState.aLeft : bootState.bLeft),
        bootState.fresh,
      ),
    ),
    same("RAUC's booted slot", expected.slot, rauc.booted),
    same("RAUC's verdict", "booted, good", verdict(report, expected.slot)),
    checkMemory(report),
    same("host keys in the image", "none", list(secrets.hostKeysInImage)),
    same("passwords in the image", "none", list(secrets.usersWithPassword)),
    same("machine id in the image", "none", secrets.machineIdInImage ? "present" : "none"),
    same("identity", identityText(expected.identityKeys), identityText(reportedKeys(report))),
  ];
}

function checkBuild(report: Report, build: ExpectedBuild): Check[] {
  const compatible = `${report.cluster}-${report.profile}-${report.board}`;
  const id = build.buildId;
  return [
    id === undefined
      ? {
          name: "build id",
          ok: /^[0-9a-f]{64}$/.test(report.buildId),
          expected: "64 hex",
          actual: report.buildId,
        }
      : same("build id", id, report.buildId),
    ...(["cluster", "profile", "board"] as const).flatMap((name) => {
      const value = build[name];
      return value === undefined ? [] : [same(name, value, report[name])];
    }),
    same("RAUC's compatible", compatible, report.rauc.compatible),
  ];
}

function checkDataState(report: Report, boot: number): Check {
  const { mounted, state, reason, device } = report.data;
  // A power cut lies between two boots: a journal that had to be replayed is no fault.
  const fine = boot === 1 ? ["fresh"] : ["ok", "repaired"];
  const because = reason === "" ? "" : `: ${reason}`;
  return {
    name: "data partition",
    ok: mounted && fine.includes(state),
    expected: `mounted, ${fine.join(" or ")}`,
    actual: `${mounted ? "mounted" : "not mounted"}, ${state} (${device})${because}`,
  };
}

/** Less than this, and the node's own files may not fit any more. */
export const SCARCE = { bytes: 64 * 1024 ** 2, inodes: 1000 } as const;

function checkRoom({ data }: Report): Check {
  return {
    name: "room on data",
    ok: data.freeBytes >= SCARCE.bytes && data.freeInodes >= SCARCE.inodes,
    expected: `at least ${mebibytes(SCARCE.bytes)} and ${SCARCE.inodes} files`,
    actual: `${mebibytes(data.freeBytes)} and ${data.freeInodes} files`,
  };
}

/** Memory a plain node may take once it is up: a Pi 3 has 1 GB, which its work needs. */
export const MOST_MEMORY_BYTES = 200 * 1000 * 1000;

function checkMemory({ memory }: Report): Check {
  const used = memory.totalBytes - memory.availableBytes;
  return {
    name: "memory in use",
    ok: used <= MOST_MEMORY_BYTES,
    expected: `at most ${mebibytes(MOST_MEMORY_BYTES)}`,
    actual: `${mebibytes(used)} of ${mebibytes(memory.totalBytes)}`,
  };
}

function verdict(report: Report, slot: string): string {
  const found = report.rauc.slots.find((entry) => entry.bootname === slot);
  return found === undefined ? `no slot ${slot}` : `${found.state}, ${found.bootStatus ?? "no boot status"}`;
}

function reportedKeys(report: Report): number | undefined {
  return report.identity.present ? report.identity.keys : undefined;
}

function identityText(keys: number | undefined): string {
  return keys === undefined ? "none" : `${keys} ssh ${keys === 1 ? "key" : "keys"}`;
}

function stateText(order: string, left: string, fresh: string): string {
  return `order "${order}", ${left} left, fresh ${fresh}`;
}

function copies(valid: readonly [boolean, boolean], equal: boolean): string {
  const word = (good: boolean): string => (good ? "valid" : "torn");
  return `${word(valid[0])}, ${word(valid[1])}, ${equal ? "equal" : "different"}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

/** How the boot went: it must not have begun anew by itself. Times are shown, not judged. */
export function checkCourse(timings: Timings, starts: number): Check[] {
  const restarts = String(Math.max(0, starts - 1));
  const login = timings.loginMs;
  const actual = login === undefined ? "no prompt seen" : `${(login / 1000).toFixed(1)} s`;
  return [
    same("restarts by itself", "0", restarts),
    { name: "time to login", ok: true, expected: "shown only", actual },
  ];
}

/** The card after the machine was switched off, read without the guest's help. */
export interface CardFacts {
  readonly states: readonly [BootState, BootState];
  readonly slotBefore: string;
  readonly slotAfter: string;
  /** Paths of files on p1. */
  readonly p1: readonly string[];
  /** Whether an identity file was put on p1: what is in it is public, and it stays for when data is lost. */
  readonly identity: boolean;
}

function present(there: boolean): string {
  return there ? "present" : "none";
}

/** What Pi 3 and 4 look for on p1 before Linux. */
const P1_FILES: readonly string[] = [...new Set(piModels.flatMap((model) => filesReadBy(model)))];

export function checkCard(card: CardFacts): Check[] {
  const [first, second] = card.states;
  const equal = first !== undefined && JSON.stringify(first) === JSON.stringify(second);
  const slot = card.slotAfter === card.slotBefore;
  const names = card.p1.map((name) => name.toLowerCase());
  const missing = P1_FILES.filter((want) => !names.includes(want));
  return [
    same(
      "boot state on the card",
      "valid, valid, equal",
      copies([first !== undefined, second !== undefined], equal),
    ),
    same(
      "slot A after the boots",
      "unchanged",
      slot ? "unchanged" : `changed to ${card.slotAfter.slice(0, 12)}`,
    ),
    same("missing on p1", "none", list(missing)),
    same("identity file on p1", present(card.identity), present(names.includes("identity.yaml"))),
  ];
}

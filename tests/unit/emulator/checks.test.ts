import { describe, expect, it } from "vitest";
import {
  type CardFacts,
  checkCard,
  checkCourse,
  checkReport,
  type Expected,
} from "../../../lib/emulator/checks.ts";
import type { Report } from "../../../lib/emulator/report.ts";
import { BUILD_ID, sampleReport } from "./sample-report.ts";

const expected: Expected = {
  boot: 1,
  slot: "A",
  build: { cluster: "home", profile: "agent", board: "rpi-arm64", buildId: BUILD_ID },
  dataBytes: 3576 * 1024 ** 2,
};

/** Names of the checks that fail. */
function failed(report: Report, against: Expected = expected): string[] {
  return checkReport(report, against)
    .filter((check) => !check.ok)
    .map((check) => check.name);
}

function changed(change: Partial<Report>): Report {
  return { ...sampleReport(), ...change };
}

const good = sampleReport();

describe("checkReport", () => {
  it("finds nothing wrong with a good first boot", () => expect(failed(good)).toEqual([]));

  it.each<[string, Partial<Report>, string[]]>([
    ["another slot", { slot: "B" }, ["slot"]],
    ["another build", { buildId: "ab".repeat(32), varSource: `/data/var/${"ab".repeat(32)}` }, ["build id"]],
    ["another profile", { profile: "server" }, ["profile", "RAUC's compatible"]],
    ["another cluster", { cluster: "work" }, ["cluster", "RAUC's compatible"]],
    ["another board", { board: "pi5" }, ["board", "RAUC's compatible"]],
    ["a failed unit", { failedUnits: ["ssh.service"] }, ["failed units"]],
    ["a degraded system", { systemState: "degraded" }, ["failed units"]],
    ["a writable root", { rootReadOnly: false }, ["root file system"]],
    ["data in memory", { data: { ...good.data, mounted: false, state: "tmpfs" } }, ["data partition"]],
    ["data that was there before", { data: { ...good.data, state: "ok" } }, ["data partition"]],
    ["data not grown", { data: { ...good.data, grown: false } }, ["data grown"]],
    ["data grown by half", { data: { ...good.data, sizeBytes: 1024 ** 3 } }, ["data grown"]],
    ["the /var of another build", { varSource: "/data/var/old" }, ["/var of this build"]],
    ["no verdict", { markedGood: false }, ["marked good"]],
    ["a torn copy", { bootState: { ...good.bootState, valid: [true, false] } }, ["boot state copies"]],
    ["copies that differ", { bootState: { ...good.bootState, equal: false } }, ["boot state copies"]],
    ["an attempt lost", { bootState: { ...good.bootState, aLeft: 2 } }, ["boot state"]],
    ["a card still fresh", { bootState: { ...good.bootState, fresh: "1" } }, ["boot state"]],
    ["another order", { bootState: { ...good.bootState, order: "B A" } }, ["boot state"]],
    ["RAUC on the other slot", { rauc: { ...good.rauc, booted: "B" } }, ["RAUC's booted slot"]],
    ["RAUC without slots", { rauc: { ...good.rauc, slots: [] } }, ["RAUC's verdict"]],
    [
      "host keys in the image",
      { secrets: { ...good.secrets, hostKeysInImage: ["/etc/ssh/ssh_host_ed25519_key"] } },
      ["host keys in the image"],
    ],
    ["a password", { secrets: { ...good.secrets, usersWithPassword: ["root"] } }, ["passwords in the image"]],
    ["a machine id", { secrets: { ...good.secrets, machineIdInImage: true } }, ["machine id in the image"]],
    ["keys nobody gave", { identity: { present: true, keys: 1 } }, ["identity"]],
  ])("%s fails just that", (_, change, names) => expect(failed(changed(change))).toEqual(names));

  it("expects kept data on a later boot, replayed or not", () => {
    const later = { ...expected, boot: 2 };
    expect(failed(good, later)).toEqual(["data partition"]);
    expect(failed(changed({ data: { ...good.data, state: "ok" } }), later)).toEqual([]);
    expect(failed(changed({ data: { ...good.data, state: "repaired" } }), later)).toEqual([]);
  });

  it("expects the identity that was given", () => {
    const given = { ...expected, identityKeys: 2 };
    expect(failed(good, given)).toEqual(["identity"]);
    expect(failed(changed({ identity: { present: true, keys: 2 } }), given)).toEqual([]);
  });

  it("asks of an unknown image only that it has a build id", () => {
    const unknown = { ...expected, build: {} };
    expect(
      failed(changed({ cluster: "x", rauc: { ...good.rauc, compatible: "x-agent-rpi-arm64" } }), unknown),
    ).toEqual([]);
    expect(failed(changed({ buildId: "v1.2", varSource: "/data/var/v1.2" }), unknown)).toEqual(["build id"]);
  });

  it("shows what was expected and what was found", () => {
    const [check] = checkReport(changed({ failedUnits: ["a.service", "b.service"] }), expected).filter(
      ({ ok }) => !ok,
    );
    expect(check).toEqual({
      name: "failed units",
      ok: false,
      expected: "none",
      actual: "a.service, b.service (running)",
    });
  });
});

describe("checkCourse", () => {
  const timings = { firmwareMs: 1, kernelMs: 2, loginMs: 61_250, reportMs: 3 };

  it("fails a machine that began anew, not a slow one", () => {
    expect(checkCourse(timings, 1).map(({ ok, actual }) => [ok, actual])).toEqual([
      [true, "0"],
      [true, "61.3 s"],
    ]);
    expect(checkCourse({ ...timings, loginMs: undefined }, 3).map(({ ok, actual }) => [ok, actual])).toEqual([
      [false, "2"],
      [true, "no prompt seen"],
    ]);
  });
});

describe("checkCard", () => {
  const state = { BOOT_ORDER: "A", BOOT_A_LEFT: "3" };
  const card: CardFacts = {
    states: [state, { ...state }],
    slotBefore: "aa",
    slotAfter: "aa",
    p1: [
      ...["bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat", "config.txt", "u-boot.bin"],
      ...["uboot.env", "BOOT.SCR", "boot2.scr", "bcm2837-rpi-3-b.dtb", "bcm2837-rpi-3-b-plus.dtb"],
      ...["bcm2837-rpi-3-a-plus.dtb", "bcm2711-rpi-4-b.dtb", "bcm2711-rpi-400.dtb", "bcm2711-rpi-cm4-io.dtb"],
    ],
    identity: false,
  };
  const names = (facts: Partial<CardFacts>) =>
    checkCard({ ...card, ...facts }).flatMap((check) => (check.ok ? [] : [`${check.name}: ${check.actual}`]));

  it("finds nothing wrong with a good card", () => expect(names({})).toEqual([]));

  it.each<[Partial<CardFacts>, string]>([
    [{ states: [state, undefined] }, "boot state on the card: valid, torn, different"],
    [{ states: [undefined, undefined] }, "boot state on the card: torn, torn, different"],
    [{ states: [state, { ...state, BOOT_A_LEFT: "2" }] }, "boot state on the card: valid, valid, different"],
    [{ slotAfter: "bb" }, "slot A after the boots: changed to bb"],
    [{ p1: card.p1.filter((name) => !name.startsWith("start")) }, "missing on p1: start.elf, start4.elf"],
    [{ p1: card.p1.filter((name) => !name.startsWith("BOOT.")) }, "missing on p1: boot.scr"],
    [{ p1: [...card.p1, "identity.yaml"] }, "identity file on p1: present"],
    [{ identity: true }, "identity file on p1: none"],
  ])("%j", (facts, problem) => expect(names(facts)).toEqual([problem]));
});

import type { Report } from "../../../lib/emulator/report.ts";

export const BUILD_ID = "0f".repeat(32);

/** The report of a node on which all is well, on its first boot. */
export function sampleReport(): Report {
  return {
    version: 1,
    cluster: "home",
    profile: "agent",
    board: "rpi-arm64",
    role: "agent",
    buildId: BUILD_ID,
    slot: "A",
    kernel: "6.12.107+deb13-arm64",
    systemState: "running",
    failedUnits: [],
    rootReadOnly: true,
    data: {
      mounted: true,
      state: "fresh",
      reason: "",
      device: "/dev/mmcblk0p4",
      sizeBytes: 3500 * 1024 ** 2,
      grown: true,
      freeBytes: 3200 * 1024 ** 2,
      freeInodes: 228_000,
    },
    varSource: `/data/var/${BUILD_ID}`,
    bootState: { valid: [true, true], equal: true, order: "A", aLeft: 3, bLeft: 0, fresh: "0" },
    rauc: {
      compatible: "home-agent-rpi-arm64",
      booted: "A",
      slots: [
        { name: "rootfs.0", bootname: "A", state: "booted", bootStatus: "good" },
        { name: "rootfs.1", bootname: "B", state: "inactive", bootStatus: "bad" },
      ],
    },
    markedGood: true,
    secrets: { hostKeysInImage: [], usersWithPassword: [], machineIdInImage: false },
    hostname: "home-pi",
    machineId: "686f6d652d7069310000000000000000",
    identity: { present: false, keys: 0 },
    network: [{ name: "eth0", addresses: ["10.0.2.15"] }],
    memory: {
      ...{ totalBytes: 960_000_000, availableBytes: 800_000_000, kernelBytes: 40_000_000 },
      processes: [{ name: "systemd-journal", bytes: 9_000_000 }],
    },
    uptimeSeconds: 140,
  };
}

import type { ChannelDocument, ChannelImage } from "../../../lib/manifest/channel.ts";
import type { Facts, Reading } from "../../../updater/decide.ts";
import { emptyState, type State, type Trial } from "../../../updater/state/record.ts";

export const NOW = Date.parse("2026-11-20T12:00:00Z");
/** A build id for each letter. */
export const idOf = (letter: string): string => letter.repeat(64);

export function imageOf(serial: number, letter: string, more: Partial<ChannelImage> = {}): ChannelImage {
  return {
    version: `1.${serial}.0`,
    serial,
    buildId: idOf(letter),
    compatible: "home-agent-rpi-arm64",
    bundle: { name: "agent.raucb", urls: ["releases/agent.raucb"], bytes: 4096, sha256: idOf("b") },
    slot: { bytes: 1_000_000, sha256: idOf("d") },
    ...more,
  };
}

export function channelOf(image: ChannelImage, more: Partial<ChannelDocument> = {}): ChannelDocument {
  return {
    format: 1,
    cluster: "home",
    channel: "stable",
    release: `v${image.version}`,
    date: "2026-11-19T00:00:00Z",
    development: false,
    images: { "agent-rpi-arm64": image },
    blocked: [],
    ...more,
  };
}

export const readingOf = (image: ChannelImage, more: Partial<ChannelDocument> = {}): Reading => ({
  kind: "read",
  channel: channelOf(image, more),
});

/** Build `a` (serial 5) runs from slot A and is committed. */
export const committed: State = {
  ...emptyState,
  committed: { buildId: idOf("a"), version: "1.5.0", serial: 5, slot: "A" },
  floors: { ...emptyState.floors, serial: 5 },
};

export const trialOf = (letter: string, more: Partial<Trial> = {}): Trial => ({
  buildId: idOf(letter),
  version: "1.6.0",
  serial: 6,
  slot: "B",
  phase: "installed",
  asked: false,
  attempts: 1,
  before: { failedUnits: [], timeSynchronized: true, channelReached: true },
  ...more,
});

export const facts: Facts = {
  now: NOW,
  running: {
    buildId: idOf("a"),
    compatible: "home-agent-rpi-arm64",
    id: "agent-rpi-arm64",
    slot: "A",
    bootId: "boot-1",
  },
  passed: false,
  slotBytes: 2 ** 31,
  dataProblem: undefined,
  clockProblem: undefined,
  upMs: 60_000,
  policy: { mode: "auto", window: undefined },
  channel: "stable",
};

export const failedAt = (serial: number, letter: string): State["failed"][number] => ({
  ...{ buildId: idOf(letter), version: `1.${serial}.0`, serial, reason: "k3s did not start.", at: 1 },
});

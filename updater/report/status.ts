import { minuteOf } from "../../lib/external/clock.ts";
import type { ChannelDocument, ChannelImage } from "../../lib/manifest/channel.ts";
import type { OpenedManifest } from "../../lib/manifest/client/open.ts";
import { versionOfWaypoint } from "../../lib/manifest/client/waypoints.ts";
import { windowText } from "../../lib/manifest/client/window.ts";
import type { Facts } from "../decide.ts";
import { isQuiet } from "../installed.ts";
import { DAY_MS, EXPIRY_WARNING_DAYS } from "../limits.ts";
import type { Plan } from "../plan.ts";
import { nameOf, type State } from "../state/record.ts";

/** What the updater says of itself: for people by `node-update status`, for programs as JSON. Times in ms since 1970. */
export interface Status {
  readonly format: 1;
  readonly at: number;
  readonly running: { readonly buildId: string; readonly version: string | undefined; readonly slot: string };
  readonly committed: boolean;
  readonly serial: number | undefined;
  /** What is to run next: on the way to what is available a waypoint may come first. */
  readonly intended: string | undefined;
  /** What could be installed, were it allowed. */
  readonly available: { readonly version: string; readonly serial: number } | undefined;
  readonly lastFailed: { readonly version: string; readonly reason: string; readonly at: number } | undefined;
  readonly lastCheck: number | undefined;
  /** What happens next, and why nothing does. */
  readonly plan: Plan["kind"];
  readonly reason: string;
  readonly alarm: boolean;
  readonly next: number | undefined;
  readonly paused: boolean;
  /** What cluster.yaml says of updates here. Undefined: an updater before this one wrote it. */
  readonly policy?: { readonly mode: string; readonly window: string | undefined; readonly channel: string };
  /** What the manifest keeps from this image, as it was read last. */
  readonly blocked?: Announced["blocked"];
  /** Versions on the way to what the channel stands at that no node skips, as it was read last. */
  readonly waypoints?: Announced["waypoints"];
  /** The first part of the manifest that runs out, and when. */
  readonly expires: { readonly part: string; readonly at: number } | undefined;
}

/** What a manifest says beside the version the channel stands at. */
export interface Announced {
  readonly expires: Status["expires"];
  readonly blocked: readonly { readonly version: string; readonly reason: string }[];
  readonly waypoints: readonly string[];
}

/** Of a node's own image: `id` is its name in a channel. */
export function announced(
  document: ChannelDocument,
  id: string,
  expires: OpenedManifest["expires"],
): Announced {
  const blocked = document.blocked.filter((one) => one.id === "*" || one.id === id);
  return {
    expires: firstExpiry(expires),
    blocked: blocked.map(({ version, reason }) => ({ version, reason })),
    waypoints: document.images[id]?.waypoints?.map(versionOfWaypoint) ?? [],
  };
}

/** The same, as a status has kept it. */
export function announcedIn(had: Status | undefined): Announced {
  return { expires: had?.expires, blocked: had?.blocked ?? [], waypoints: had?.waypoints ?? [] };
}

/** The part of a manifest that runs out first. */
export function firstExpiry(expires: OpenedManifest["expires"]): {
  readonly part: string;
  readonly at: number;
} {
  const parts = Object.entries(expires).map(([part, text]) => ({ part, at: Date.parse(text) }));
  return parts.reduce((a, b) => (b.at < a.at ? b : a), { part: "timestamp", at: Number.POSITIVE_INFINITY });
}

/** What a plan is after, and what it installs next: another image only where a waypoint comes first. */
function seenIn(plan: Plan): { readonly available?: ChannelImage; readonly next?: ChannelImage } {
  if (plan.kind === "install") return { available: plan.target, next: plan.image };
  if (plan.kind !== "nothing" || plan.available === undefined) return {};
  return { available: plan.available, next: plan.first ?? plan.available };
}

export function statusOf(
  state: State,
  plan: Plan,
  facts: Pick<Facts, "now" | "running" | "policy" | "channel">,
  { expires, blocked, waypoints }: Announced,
): Status {
  const { buildId, slot } = facts.running;
  const isCommitted = state.committed?.buildId === buildId;
  const known = isCommitted ? state.committed : state.trial?.buildId === buildId ? state.trial : undefined;
  const last = state.failed.at(-1);
  const { available, next } = seenIn(plan);
  const trial = state.trial === undefined ? undefined : nameOf(state.trial);
  return {
    format: 1,
    at: facts.now,
    running: { buildId, version: known?.version, slot },
    committed: isCommitted,
    serial: known?.serial,
    intended: next === undefined ? trial : `v${next.version}`,
    available: available === undefined ? undefined : { version: available.version, serial: available.serial },
    lastFailed: last === undefined ? undefined : { version: nameOf(last), reason: last.reason, at: last.at },
    lastCheck: state.lastCheck,
    plan: plan.kind,
    reason: plan.reason,
    alarm: plan.kind === "nothing" && plan.alarm,
    next: plan.kind === "nothing" ? plan.next : undefined,
    paused: state.paused,
    policy: {
      mode: facts.policy.mode,
      window: facts.policy.window === undefined ? undefined : windowText(facts.policy.window),
      channel: facts.channel,
    },
    ...{ blocked, waypoints },
    // Where nobody looks, the manifest may have been renewed long ago.
    expires: isQuiet(state, facts) ? undefined : expires,
  };
}

/** `The manifest's timestamp runs out in 5 days.`, from 14 days before; undefined: it is not time to say so. */
export function expiryWarning({ expires }: Status, now: number): string | undefined {
  if (expires === undefined) return undefined;
  const days = Math.floor((expires.at - now) / DAY_MS);
  if (days >= EXPIRY_WARNING_DAYS) return undefined;
  const part = `The manifest's ${expires.part}`;
  const what = "No update comes after that; what runs is not touched.";
  if (expires.at <= now)
    return `${part} ran out on ${minuteOf(expires.at)}: no update comes until it is renewed.`;
  return `${part} runs out in ${days === 1 ? "1 day" : `${days} days`}. ${what}`;
}

const since = (at: number, now: number): string => {
  const hours = Math.max(0, Math.round((now - at) / 3_600_000));
  const ago = hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
  return `${minuteOf(at)}, ${ago} ago`;
};

/** `auto, channel stable, restarts 02:00-05:00 Europe/London, paused` */
function policyLine({ policy, paused }: Status): string | undefined {
  if (policy === undefined) return undefined;
  const { mode, channel, window } = policy;
  const when = window === undefined ? "at any time" : window;
  return [mode, `channel ${channel}`, `restarts ${when}`, ...(paused ? ["paused"] : [])].join(", ");
}

/** For people, one fact a line. `nextRun`: when the timer fires, where systemd says so. */
export function renderStatus(status: Status, now: number, nextRun?: string): string {
  const { running, lastFailed, lastCheck, blocked = [], waypoints = [] } = status;
  const build = `build ${running.buildId.slice(0, 12)}`;
  const name = running.version === undefined ? build : `v${running.version} (${build})`;
  const warning = expiryWarning(status, now);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["running", `${name}, slot ${running.slot}, ${status.committed ? "committed" : "not committed"}`],
    ["intended", status.intended ?? "nothing else"],
    ["last failed", lastFailed === undefined ? "none" : `${lastFailed.version}: ${lastFailed.reason}`],
    ["last check", lastCheck === undefined ? "never" : since(lastCheck, now)],
    ["next", `${status.alarm ? "ALARM: " : ""}${status.reason}`],
    ["next check", nextRun],
    ["policy", policyLine(status)],
    ["blocked", blocked.map(({ version, reason }) => `v${version} (${reason})`).join(", ") || undefined],
    ["waypoints", waypoints.map((version) => `v${version}`).join(", ") || undefined],
    ["manifest", warning],
  ];
  const shown = rows.filter(([, text]) => text !== undefined);
  return shown.map(([label, text]) => `${label.padEnd(13)}${text}\n`).join("");
}

/** One line for the console and the greeting; undefined where there is nothing a person should know. */
export function lineOf(status: Status, now: number): string | undefined {
  if (status.alarm) return `update    ${status.reason}`;
  const warning = expiryWarning(status, now);
  if (warning !== undefined) return `update    ${warning}`;
  if (status.intended !== undefined) return `update    ${status.intended}: ${status.reason}`;
  return undefined;
}

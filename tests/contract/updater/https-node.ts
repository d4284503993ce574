import { get } from "node:http";
import { clock } from "../../../lib/external/clock.ts";
import { lightSource } from "../../../lib/external/light-source.ts";
import { askServerDate } from "../../../lib/external/server-date.ts";
import { describeFailure } from "../../../lib/failure.ts";
import { checkClock } from "../../../updater/channel/read.ts";
import { downloadBundle } from "../../../updater/download.ts";
import { proxy as limits } from "../../../updater/limits.ts";
import { placesOf } from "../../../updater/places.ts";
import { startProxy } from "../../../updater/proxy/proxy.ts";
import { emptyState } from "../../../updater/state/record.ts";

/** One of the updater's ways to a server. `timeoutMs`: the whole of it, or one read of a bundle. */
export type Order = { readonly url: string; readonly timeoutMs: number } & (
  | { readonly what: "read" }
  | { readonly what: "date" }
  | { readonly what: "stream"; readonly bytes: number }
  | { readonly what: "download"; readonly bytes: number; readonly sha256: string; readonly path: string }
  | { readonly what: "clock"; readonly root: string; readonly now: number; readonly lastKnownTime: number }
);

export interface Outcome {
  /** What came of it, where it is not a failure. */
  readonly got: unknown;
  readonly failure: string | undefined;
  readonly ms: number;
}

/** As limits.ts has them, but for the time a person would wait; a server's silence is noticed first, as there. */
const within = (timeoutMs: number) => ({
  ...limits,
  ...{
    stallMs: (timeoutMs * 2) / 3,
    rangeMs: timeoutMs,
    readMs: timeoutMs,
    firstPauseMs: 50,
    longestPauseMs: 200,
  },
});

type Got = Omit<Outcome, "ms">;

/** As RAUC reads: a range of the loopback's file. `got`: its bytes. */
async function stream({ url, bytes, timeoutMs }: Order & { what: "stream" }): Promise<Got> {
  const proxy = await startProxy({ urls: [url], bytes }, clock, within(timeoutMs));
  try {
    const body = await new Promise<Buffer>((resolve, reject) => {
      get(proxy.url, { headers: { range: `bytes=1000-${bytes - 1001}` } }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (chunk: Buffer) => parts.push(chunk));
        response.on("end", () => resolve(Buffer.concat(parts)));
        response.on("error", reject);
      }).on("error", reject);
    });
    return { got: body, failure: proxy.failure };
  } finally {
    await proxy.close();
  }
}

async function carryOut(order: Order): Promise<Got> {
  const { url, timeoutMs } = order;
  const good = (got: unknown): Got => ({ got, failure: undefined });
  if (order.what === "read") {
    const { pathname, search, origin } = new URL(url);
    const file = await lightSource(origin, { timeoutMs }).read(`.${pathname}${search}`, 10_000);
    return good(file === undefined ? undefined : Buffer.from(file).toString());
  }
  if (order.what === "date") {
    const date = await askServerDate(url, timeoutMs);
    return "time" in date ? good(date.time) : { got: undefined, failure: date.failure };
  }
  if (order.what === "stream") return stream(order);
  if (order.what === "download") {
    const { bytes, sha256, path } = order;
    return good(await downloadBundle({ urls: [url], bytes, sha256 }, path, clock, within(timeoutMs)));
  }
  const { root, now, lastKnownTime } = order;
  const state = { ...emptyState, floors: { ...emptyState.floors, lastKnownTime } };
  return good(await checkClock(url, state, placesOf(root), { ...clock, now: () => now }, 0));
}

// A process of its own: whom Node trusts (NODE_EXTRA_CA_CERTS) is settled when it starts.
process.on("message", async ({ id, order }: { id: number; order: Order }) => {
  const started = clock.elapsed();
  const result = await carryOut(order).catch(
    (error: unknown): Got => ({ got: undefined, failure: describeFailure(error)[0] ?? "unknown" }),
  );
  process.send?.({ id, outcome: { ...result, ms: clock.elapsed() - started } });
});

import { z } from "zod";
import type { Clock } from "../../lib/external/clock.ts";
import { UpdaterError } from "../failure.ts";
import { rauc as limits } from "../limits.ts";
import type { Bus } from "./bus.ts";

const operation = z.object({ type: z.literal("s"), data: z.string() });
const progress = z.object({ type: z.literal("(isi)"), data: z.tuple([z.number(), z.string(), z.number()]) });
const answers = z.tuple([operation, progress, operation]);

export interface Progress {
  readonly running: boolean;
  readonly percent: number;
  readonly message: string;
  /** Of the last operation; empty: none. */
  readonly error: string;
}

export async function readProgress(bus: Bus): Promise<Progress> {
  const parsed = answers.safeParse(await bus.properties(["Operation", "Progress", "LastError"]));
  if (!parsed.success) throw new UpdaterError("RAUC", "RAUC's progress is not what is known of it");
  const [{ data: state }, { data }, { data: error }] = parsed.data;
  return { running: state !== "idle", percent: data[0], message: data[1], error };
}

export interface InstallRequest {
  /** A path, or the address of the proxy. */
  readonly bundle: string;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends RAUC, which has no way to be asked for it. */
  readonly stop: () => Promise<void>;
  /** Called right before RAUC is told to begin; where it throws, RAUC is not. */
  readonly begin?: () => Promise<unknown>;
  /** Looked at while RAUC works: why it need not go on. */
  readonly failed?: () => string | undefined;
}

export type InstallLimits = Pick<
  { readonly [name in keyof typeof limits]: number },
  "pollMs" | "stallMs" | "installMs"
>;

/**
 * Lets RAUC install a bundle and waits for its end. RAUC marks the target slot bad before it writes, and leaves it so
 * (activate-installed=false), so whatever happens here the old slot starts. Throws UpdaterError RAUC, STREAM where the bundle
 * could not be read, or BUSY where somebody else installs.
 */
export async function install(
  bus: Bus,
  clock: Clock,
  request: InstallRequest,
  options: InstallLimits = limits,
): Promise<void> {
  const { bundle, onProgress, stop, begin, failed } = request;
  if ((await readProgress(bus)).running) {
    throw new UpdaterError("BUSY", "RAUC is busy with another installation", { fix: "wait for it to end" });
  }
  await begin?.();
  await bus.call("InstallBundle", "sa{sv}", [bundle, "0"]);
  const started = clock.elapsed();
  let [seen, since] = ["", started];
  for (;;) {
    // A busy node may leave one question unanswered. RAUC goes on then, and what it writes has to be read back.
    const now = await readProgress(bus).catch(() => undefined);
    if (now?.running === false) return finish(now, failed?.());
    const step = now === undefined ? seen : `${now.percent} ${now.message}`;
    if (now !== undefined && step !== seen) {
      [seen, since] = [step, clock.elapsed()];
      onProgress?.(now);
    }
    const late = clock.elapsed() - started > options.installMs;
    if (late || clock.elapsed() - since > options.stallMs) {
      await stop();
      const why = late ? `took longer than ${options.installMs / 60_000} minutes` : "made no progress";
      throw new UpdaterError("RAUC", `RAUC's installation ${why} and was ended at "${seen}"`, {
        fix: "the next run tries again",
      });
    }
    await clock.sleep(options.pollMs);
  }
}

function finish(last: Progress, stream: string | undefined): void {
  if (last.error === "" && last.percent === 100) return;
  const why = last.error === "" ? `it ended at "${last.message}"` : last.error;
  if (stream === undefined) {
    throw new UpdaterError("RAUC", `RAUC did not install it: ${why}`, {
      fix: "journalctl -u rauc tells more",
    });
  }
  // What RAUC makes of it is that a read failed; the status has to say what the server did.
  throw new UpdaterError("STREAM", `RAUC did not install it: ${stream} (${why})`, {
    fix: "journalctl -u home-pi-update tells more",
  });
}

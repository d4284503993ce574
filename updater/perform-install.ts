import { rm } from "node:fs/promises";
import type { World } from "../lib/external/world.ts";
import type { ChannelImage } from "../lib/manifest/channel.ts";
import { bundlePath, removeBundles } from "./bundles.ts";
import { bundleUrls } from "./channel/releases.ts";
import { downloadBundle } from "./download.ts";
import { type UpdaterCode, UpdaterError } from "./failure.ts";
import { writeIntended } from "./intended.ts";
import { MAX_FAILED_STREAMS, MAX_INSTALL_ATTEMPTS } from "./limits.ts";
import { type Places, UNITS } from "./places.ts";
import { forgetPrevious, keepPrevious } from "./previous.ts";
import { type RangeProxy, startProxy } from "./proxy/proxy.ts";
import { putLast } from "./rauc/boot-state.ts";
import type { Bus } from "./rauc/bus.ts";
import { install, type Progress } from "./rauc/install.ts";
import { holdUdev } from "./rauc/udev-guard.ts";
import { readBack } from "./read-back.ts";
import { failed } from "./state/failed.ts";
import type { StateFile } from "./state/file.ts";
import { otherSlot, type SlotName, type State, type Trial } from "./state/record.ts";

/** From here on the bundle is mounted, and udev may look at the devices. */
const MOUNTED_PERCENT = 20;
const STOP_MS = 60_000;
/**
 * What may be the release's or the card's fault, beside being cut off. Another installation that was first, a network,
 * a server or a full disk are not: once they heal the release is taken, however often it was tried before.
 */
const COUNTED: ReadonlySet<UpdaterCode> = new Set(["RAUC", "READ_BACK"]);

export interface InstallOrder {
  readonly image: ChannelImage;
  readonly asked: boolean;
  readonly running: { readonly slot: SlotName };
  readonly before: Trial["before"];
  readonly address: string;
}

export interface InstallTools {
  readonly world: World;
  readonly bus: Bus;
  readonly places: Places;
  readonly stateFile: StateFile;
  readonly onProgress: (text: string) => void;
}

/** Bytes that came over the network; undefined where that was not counted. */
export interface Installed {
  readonly receivedBytes: number;
  readonly streamed: boolean;
}

/**
 * Puts a release into the other slot: written down first, so that whatever runs next knows; streamed, or after two
 * failed streams downloaded; read back; the last resort from then on; then `installed`. It is started by nobody until
 * it is activated. Throws UpdaterError: the running system is as it was.
 */
export async function performInstall(order: InstallOrder, tools: InstallTools): Promise<Installed> {
  const { image } = order;
  const { stateFile, world, places } = tools;
  const state = await stateFile.change((had) => ({ ...had, trial: trialOf(order, had) }));
  const { trial } = state;
  if (trial === undefined) throw new Error("the trial was not written");
  if (trial.attempts > MAX_INSTALL_ATTEMPTS) {
    const reason = `it could not be installed ${MAX_INSTALL_ATTEMPTS} times`;
    await stateFile.change((had) => failed(had, trial, reason, world.clock.now()));
    await removeBundles(places.bundles);
    throw new UpdaterError("RAUC", `v${image.version}: ${reason}`, { fix: "a newer version is waited for" });
  }
  await removeBundles(places.bundles, image.bundle.sha256);
  await writeIntended(places.intended, image);
  try {
    const failedStreams = state.streams?.serial === image.serial ? state.streams.failed : 0;
    const streamed = failedStreams < MAX_FAILED_STREAMS;
    const receivedBytes = await keepPrevious(state.previous, tools, () =>
      streamed ? stream(order, tools) : fromData(order, tools),
    );
    await readBack(image, trial.slot, tools);
    await putLast(world.processes, trial.slot);
    await stateFile.change((had) => {
      const { streams: _, ...rest } = had;
      return { ...rest, trial: { ...trial, phase: "installed" } };
    });
    await removeBundles(places.bundles);
    return { receivedBytes, streamed };
  } catch (error) {
    if (error instanceof UpdaterError && !COUNTED.has(error.code)) {
      await stateFile.change((had) => ({
        ...had,
        trial: { ...trial, attempts: Math.max(1, trial.attempts - 1) },
      }));
    }
    throw error;
  } finally {
    await rm(places.intended, { force: true });
  }
}

function trialOf({ image, asked, running, before }: InstallOrder, { trial: had }: State): Trial {
  const { buildId, version, serial } = image;
  const attempts =
    had?.serial === serial && had.buildId === buildId && had.phase === "installing" ? had.attempts + 1 : 1;
  return {
    ...{ buildId, version, serial, slot: otherSlot(running.slot) },
    ...{ phase: "installing", asked, attempts, before },
  };
}

const installing =
  ({ onProgress }: InstallTools) =>
  ({ percent, message }: Progress) =>
    onProgress(`${percent} % ${message}`);

async function stream(order: InstallOrder, tools: InstallTools): Promise<number> {
  const { image, address } = order;
  const { world, stateFile } = tools;
  const file = { urls: bundleUrls(image.bundle.urls, address), bytes: image.bundle.bytes };
  const proxy = await startProxy(file, world.clock);
  try {
    await installHeld(proxy, tools);
    return proxy.transfer.received;
  } catch (error) {
    if (!(error instanceof UpdaterError) || error.code !== "BUSY") {
      await stateFile.change((had) => {
        const before = had.streams?.serial === image.serial ? had.streams.failed : 0;
        return { ...had, streams: { serial: image.serial, failed: before + 1 } };
      });
    }
    throw error;
  } finally {
    // A server that still listens would keep the updater running.
    await proxy.close();
  }
}

/** Udev's queue stands still until the bundle is mounted. */
async function installHeld(proxy: RangeProxy, tools: InstallTools): Promise<void> {
  const { world, bus } = tools;
  const guard = await holdUdev(world.processes);
  try {
    await install(bus, world.clock, {
      bundle: proxy.url,
      begin: () => forgetPrevious(tools.stateFile),
      stop: () => stopRauc(tools),
      failed: () => proxy.failure,
      onProgress: (progress) => {
        if (progress.percent >= MOUNTED_PERCENT) void guard.release();
        installing(tools)(progress);
      },
    });
  } finally {
    await guard.release();
  }
}

async function fromData(order: InstallOrder, tools: InstallTools): Promise<number> {
  const { image, address } = order;
  const { world, bus, places } = tools;
  const { bytes, sha256 } = image.bundle;
  const path = bundlePath(places.bundles, sha256);
  const urls = bundleUrls(image.bundle.urls, address);
  const { received } = await downloadBundle({ urls, bytes, sha256 }, path, world.clock);
  await install(bus, world.clock, {
    bundle: path,
    begin: () => forgetPrevious(tools.stateFile),
    stop: () => stopRauc(tools),
    onProgress: installing(tools),
  });
  return received;
}

async function stopRauc({ world }: InstallTools): Promise<void> {
  await world.processes.run({ argv: ["systemctl", "stop", UNITS.rauc], timeoutMs: STOP_MS });
}

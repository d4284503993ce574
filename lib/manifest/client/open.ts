import { join } from "node:path";
import { readBounded } from "../../external/bounded-file.ts";
import { sha256OfText } from "../../external/files.ts";
import { type Source, SourceError } from "../../external/source.ts";
import { messageOf } from "../../failure.ts";
import { CHANNEL_NAMES, type ChannelName, type Channels, parseChannel } from "../channel.ts";
import { ManifestError } from "../failure.ts";
import { MAX_BYTES } from "../limits.ts";
import { readMetadata, type Signed } from "../repository/metadata.ts";
import { channelFile, channelTarget, versionedName } from "../repository/names.ts";
import { refuseStrangers } from "../repository/signatures.ts";
import { CheckingFetcher } from "./fetcher.ts";
import { seedRoot, tufUpdater } from "./tuf-updater.ts";

export interface OpenRequest {
  /** Where the manifest is read: a folder or an address. */
  readonly source: Source;
  /** Content of keys/root.json. */
  readonly trustedRoot: Uint8Array;
  /**
   * What was accepted before is kept here, and nothing older is accepted again. An empty folder: a reader that
   * remembers nothing.
   */
  readonly folder: string;
  readonly now: Date;
}

export interface TargetFacts {
  readonly bytes: number;
  readonly sha256: string;
}

/** A manifest that was read and found right, from the root to each channel document. */
export interface OpenedManifest {
  readonly channels: Channels;
  /** By target path: `releases/v1.2.3/release.json`, `channels/stable.json`. */
  readonly targets: ReadonlyMap<string, TargetFacts>;
  readonly versions: Readonly<Record<"root" | "targets" | "snapshot" | "timestamp", number>>;
  /** ISO 8601, UTC. */
  readonly expires: Readonly<Record<"root" | "targets" | "snapshot" | "timestamp", string>>;
  /** Every file that was read and vouched for, as called in its place. */
  readonly files: readonly string[];
}

const KINDS = ["root", "timestamp", "snapshot", "targets"] as const;

async function readKept<K extends (typeof KINDS)[number]>(folder: string, kind: K): Promise<Signed<K>> {
  const read = await readBounded(join(folder, `${kind}.json`), MAX_BYTES[kind]);
  if (read.kind === "content") return readMetadata(kind, `${kind}.json`, read.bytes);
  throw new ManifestError("ABSENT", `${kind}.json: was not kept in ${folder}`, { fix: "empty that folder" });
}

/** An error of tuf-js as one of ours, with the file it is about. */
function explain(error: unknown, fetcher: CheckingFetcher, rootFile: string): unknown {
  const own = fetcher.failure;
  if (error instanceof ManifestError) return error;
  if (own instanceof ManifestError) return own;
  if (own instanceof SourceError) {
    const code =
      own.code === "INTERRUPTED" ? "INTERRUPTED" : own.code === "TOO_LARGE" ? "FILE" : "UNREACHABLE";
    return new ManifestError(code, own.message, own.fix === undefined ? {} : { fix: own.fix });
  }
  const message = messageOf(error);
  const file = /root\.json is expired/.test(message) ? rootFile : fetcher.last;
  const why = message.replace(/^Unable to load (snapshot|targets) (metadata )?error (\w*Error: )?/, "");
  if (/is expired/.test(message)) {
    return new ManifestError("EXPIRED", `${file}: is expired`, {
      fix: "if the clock is right, nobody renewed the manifest: ./pi manifest refresh, where its keys are",
      cause: error,
    });
  }
  if (/is less than current version/.test(message)) {
    return new ManifestError("ROLLBACK", `${file}: is older than what was accepted before (${why})`, {
      fix: "somebody shows an old manifest: try another mirror, or wait",
      cause: error,
    });
  }
  return new ManifestError("FILE", `${file}: ${why}`, {
    fix: "it was damaged or tampered with: do not use it",
    cause: error,
  });
}

async function readChannel(
  source: Source,
  name: ChannelName,
  digest: string,
  length: number,
): Promise<{ readonly file: string; readonly document: Channels[ChannelName] & object }> {
  const file = channelFile(name, digest);
  const content = await source.read(file, Math.min(MAX_BYTES.channel, length));
  if (content === undefined) {
    throw new ManifestError("ABSENT", `${file}: is not in ${source.place}`, {
      fix: "publish the release again",
    });
  }
  if (content.byteLength !== length || sha256OfText(content) !== digest) {
    throw new ManifestError("FILE", `${file}: has not the digest that targets names`, {
      fix: "it was damaged or tampered with: do not use it",
    });
  }
  return { file, document: parseChannel(file, content) };
}

/**
 * Reads a manifest as a node does: from a root it trusts, over every newer root, to the channel documents; each
 * signature, digest, version and expiry checked by tuf-js, and the bytes themselves by us. Throws ManifestError,
 * which names the file that is wrong: FILE, ABSENT, EXPIRED, ROLLBACK, UNREACHABLE, INTERRUPTED.
 */
export async function openManifest(request: OpenRequest): Promise<OpenedManifest> {
  const { source, folder, now } = request;
  await seedRoot(folder, request.trustedRoot);
  const fetcher = new CheckingFetcher(source);
  let root = await readKept(folder, "root");
  const updater = tufUpdater(folder, fetcher, now);
  try {
    await updater.refresh();
    for (const next of fetcher.roots) {
      refuseStrangers([root, next], "root", versionedName("root", next.signed.version), next);
      root = next;
    }
    const [timestamp, snapshot, targets] = [
      await readKept(folder, "timestamp"),
      await readKept(folder, "snapshot"),
      await readKept(folder, "targets"),
    ];
    const named = {
      timestamp: "timestamp.json",
      snapshot: versionedName("snapshot", snapshot.signed.version),
      targets: versionedName("targets", targets.signed.version),
    };
    refuseStrangers([root], "timestamp", named.timestamp, timestamp);
    refuseStrangers([root], "snapshot", named.snapshot, snapshot);
    refuseStrangers([root], "targets", named.targets, targets);
    const found = CHANNEL_NAMES.flatMap((name) => {
      const target = targets.signed.targets[channelTarget(name)];
      return target === undefined
        ? []
        : [{ name, length: target.length, digest: target.hashes.sha256 ?? "" }];
    });
    const read = await Promise.all(
      found.map(async ({ name, length, digest }) => ({
        name,
        ...(await readChannel(source, name, digest, length)),
      })),
    );
    const all = { root, timestamp, snapshot, targets };
    const facts = Object.values(targets.signed.targets).map(
      ({ path, length, hashes }) => [path, { bytes: length, sha256: hashes.sha256 ?? "" }] as const,
    );
    return {
      channels: Object.fromEntries(read.map(({ name, document }) => [name, document])),
      targets: new Map(facts),
      versions: mapKinds((kind) => all[kind].signed.version),
      expires: mapKinds((kind) => all[kind].signed.expires),
      files: [
        ...fetcher.roots.map((one) => versionedName("root", one.signed.version)),
        ...Object.values(named),
        ...read.map(({ file }) => file),
      ],
    };
  } catch (error) {
    const last = fetcher.roots.at(-1) ?? root;
    throw explain(error, fetcher, versionedName("root", last.signed.version));
  }
}

function mapKinds<T>(of: (kind: (typeof KINDS)[number]) => T): Record<(typeof KINDS)[number], T> {
  return { root: of("root"), timestamp: of("timestamp"), snapshot: of("snapshot"), targets: of("targets") };
}

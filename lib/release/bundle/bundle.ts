import { link, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { World } from "../../external/world.ts";
import type { ToolsTree } from "../../image/tools/tree.ts";
import type { SigningIdentity } from "../../keys/keys.ts";
import type { Step } from "../../progress/reporter.ts";
import { ReleaseError } from "../failure.ts";
import { timeouts } from "../limits.ts";
import { type BundleInfo, readBundleInfo } from "./info.ts";
import { type BundleManifest, bundleManifest, SLOT_FILE } from "./manifest.ts";

/** Where programs find what is written to their standard input: a private key gets into no file and no argv. */
const STDIN = "/dev/stdin";
/**
 * The smallest blocks there are, as large as those a node compares: a new package changes single blocks all over a
 * slot, and with larger ones each of them costs its neighbours as well (64 KiB: 28 MB for one small package, 4 KiB:
 * 0.5 MB). The bundle as a whole grows by an eighth. zstd is smaller than gzip.
 */
const SQUASHFS = "-comp zstd -Xcompression-level 9 -b 4096 -no-progress";

export interface BundleRequest {
  readonly manifest: BundleManifest;
  /** The slot's file system. */
  readonly slot: string;
  /** Empty folder on the slot's file system; the bundle stays in it. */
  readonly folder: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/**
 * Makes a RAUC bundle (verity, with block hash index) and returns its path. Build jobs run users' playbooks, so
 * they sign with an identity made for this one call and nobody trusts it: publishing signs again.
 * The squashfs in it is the same for the same slot; RAUC's verity salt and the signature are not.
 * Throws ReleaseError BUNDLE.
 */
export async function makeBundle(
  request: BundleRequest,
  throwAway: SigningIdentity,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<string> {
  const { folder, manifest, slot, epoch } = request;
  const content = join(folder, "content");
  const bundle = join(folder, "bundle.raucb");
  await mkdir(content);
  await writeFile(join(content, "manifest.raucm"), bundleManifest(manifest));
  await link(slot, join(content, SLOT_FILE));
  await writeFile(join(folder, "certificate.pem"), throwAway.certificate);
  const args = [
    ...["bundle", `--cert=${join(folder, "certificate.pem")}`, `--key=${STDIN}`],
    ...[`--mksquashfs-args=${SQUASHFS}`, content, bundle],
  ];
  await runRauc(`the bundle of ${manifest.compatible}`, args, {
    ...{ tools, world, step, folder, epoch, input: throwAway.privateKey },
  });
  await rm(content, { recursive: true });
  await rm(join(folder, "certificate.pem"));
  return bundle;
}

export interface ResignRequest {
  readonly from: string;
  /** PEM of the certificate `from` is signed under. */
  readonly throwAwayCa: string;
  readonly to: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/**
 * Signs a bundle again, with the cluster's key, and checks it with the keyring that nodes carry. `from` is
 * trusted only as far as its own signature: `throwAwayCa` is the certificate (PEM) it must be signed under.
 * The result lands at `to` by rename. Throws ReleaseError BUNDLE.
 */
export async function resignBundle(
  request: ResignRequest,
  identity: SigningIdentity,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<BundleInfo> {
  const { from, to, epoch } = request;
  const folder = `${to}.resigning`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    const file = (name: string): string => join(folder, name);
    await writeFile(file("before.pem"), request.throwAwayCa);
    await writeFile(file("keyring.pem"), identity.ca);
    await writeFile(file("certificate.pem"), identity.certificate);
    const args = [
      ...["resign", `--cert=${file("certificate.pem")}`, `--key=${STDIN}`],
      ...[`--keyring=${file("before.pem")}`, `--signing-keyring=${file("keyring.pem")}`],
      ...[from, file("bundle.raucb")],
    ];
    const { privateKey: input } = identity;
    const seen = [dirname(from)];
    await runRauc(`the signature of ${from}`, args, { tools, world, step, folder, epoch, input, seen });
    const info = await readBundleInfo(file("bundle.raucb"), identity.ca, tools, world);
    await rename(file("bundle.raucb"), to);
    return info;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface RaucRun {
  readonly tools: ToolsTree;
  readonly world: World;
  readonly step: Step;
  readonly folder: string;
  readonly seen?: readonly string[];
  readonly epoch: number;
  readonly input: string;
}

/** Our own end of standard input is a socket, which nobody can open by its name; cat's is a pipe. */
const THROUGH_A_PIPE = 'cat | rauc "$@"';

async function runRauc(what: string, args: readonly string[], run: RaucRun): Promise<void> {
  const output: string[] = [];
  try {
    await run.world.processes.run(
      run.tools.command(["sh", "-c", THROUGH_A_PIPE, "rauc", ...args], {
        binds: [
          ...(run.seen ?? []).map((source) => ({ source, readOnly: true })),
          // Last: it may lie in a folder bound read-only.
          { source: run.folder },
        ],
        input: run.input,
        env: { SOURCE_DATE_EPOCH: String(run.epoch), LC_ALL: "C.UTF-8" },
        timeoutMs: timeouts.bundle,
        signal: run.world.signal,
        onLine: (line) => {
          output.push(line);
          run.step.line(line);
        },
      }),
    );
  } catch (cause) {
    throw new ReleaseError("BUNDLE", `${what} could not be made`, { details: output.slice(-15), cause });
  }
}

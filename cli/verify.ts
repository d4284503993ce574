import { join, resolve } from "node:path";
import type { Command } from "commander";
import prettyBytes from "pretty-bytes";
import type { LargeSource } from "../lib/external/source.ts";
import type { VerifyRequest, Witness } from "../lib/manifest/verify.ts";
import type { CliContext } from "./context.ts";
import { clusterName, keyEnvironment } from "./manifest-place.ts";
import { storeNamed } from "./release-places.ts";

interface VerifyFlags {
  readonly store?: string;
  readonly file?: string;
}

/** Where manifest and releases are read. */
async function sources(
  context: CliContext,
  store: string | undefined,
): Promise<Pick<VerifyRequest, "manifest" | "assets" | "files">> {
  const { folderSource, webSource } = await import("../lib/external/source.ts");
  const { FETCH_TIMEOUT_MS: timeoutMs } = await import("../lib/manifest/limits.ts");
  const options = { timeoutMs, signal: context.world.signal };
  const inFolder = (tag: string, name: string): string => `releases/${tag}/${name}`;
  const both = (open: (part: string) => LargeSource) => ({
    manifest: open("manifest"),
    assets: { source: open(""), pathOf: inFolder },
  });
  if (store !== undefined && /^https?:\/\//.test(store)) {
    const base = store.replace(/\/+$/, "");
    return both((part) => webSource(`${base}/${part}`, options));
  }
  const place = await storeNamed(store, context.project);
  if (place.kind === "local") {
    const { localHome } = await import("../lib/manifest/local-home.ts");
    const { files } = await localHome({ store: place.folder, world: context.world }).read();
    return { ...both((part) => folderSource(join(place.folder, part))), files };
  }
  const { owner, repo } = place;
  return {
    manifest: webSource(`https://${owner.toLowerCase()}.github.io/${repo}`, options),
    assets: {
      source: webSource(`https://github.com/${owner}/${repo}/releases/download`, options),
      pathOf: (tag, name) => `${tag}/${name}`,
    },
  };
}

async function verify(context: CliContext, what: string, flags: VerifyFlags): Promise<void> {
  const [{ verifyFile, verifyRelease }, { readPublicKeys }, { withScratch }, { exists, sha256OfFile }] =
    await Promise.all([
      import("../lib/manifest/verify.ts"),
      import("../lib/manifest/project-keys.ts"),
      import("../lib/external/scratch.ts"),
      import("../lib/external/files.ts"),
    ]);
  const { reporter, world, print, project } = context;
  const cluster = await clusterName(context, flags.file);
  const keys = await readPublicKeys({ project, cluster, env: keyEnvironment() });
  for (const note of keys.notes) reporter.info(note);
  const { tmpdir } = await import("node:os");
  await withScratch(tmpdir(), "pi-verify-", async (scratch) => {
    const request: VerifyRequest = {
      ...(await sources(context, flags.store)),
      ...{ trustedRoot: keys.trustedRoot, ca: keys.ca, scratch, now: new Date(world.clock.now()) },
    };
    const isRelease = /^v\d/.test(what) && !(await exists(what));
    await reporter.step(`verify ${what}`, {}, async (step) => {
      const witness: Witness = {
        proved: (text) => print(`ok  ${text}\n`),
        reading: (name, bytes, total) =>
          step.update(`${name}: ${prettyBytes(bytes)} of ${prettyBytes(total)}`, bytes / total),
      };
      if (isRelease) {
        await verifyRelease(what, request, witness);
        return;
      }
      const path = resolve(what);
      if (!(await exists(path))) {
        const { ManifestError } = await import("../lib/manifest/failure.ts");
        throw new ManifestError("ABSENT", `there is no file ${path}`, {
          fix: "name a file you downloaded, or a release: ./pi verify v1.2.3",
        });
      }
      const { stat } = await import("node:fs/promises");
      const digest = { bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
      await verifyFile(path, digest, request, witness);
    });
  });
}

export function register(program: Command, context: CliContext): void {
  program
    .command("verify <file-or-release>")
    .description("check a downloaded file, or a whole release, against the signed manifest and checksums")
    .option("--store <place>", "a folder, an address, or github:OWNER/REPO (default: store/ of the project)")
    .option("--file <path>", "the definition (default: cluster.yaml)")
    .action((what: string, flags: VerifyFlags) => verify(context, what, flags));
}

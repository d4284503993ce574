import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BuiltImage } from "../../lib/image/build/results.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { bufferOf, encodeCertificate, libraries } from "../../lib/keys/certificate-form.ts";
import { issueLeaf } from "../../lib/keys/certificates.ts";
import { VALID_FROM } from "../../lib/keys/limits.ts";
import { oids } from "../../lib/keys/oids.ts";
import { toPem } from "../../lib/keys/pem.ts";
import { files } from "../../lib/keys/places.ts";
import { manifestOf } from "../../lib/release/build-files.ts";
import { bundleManifest, SLOT_FILE } from "../../lib/release/bundle/manifest.ts";
import { parseVersion } from "../../lib/release/version.ts";
import type { NodeSession } from "./node-session.ts";
import { world } from "./surroundings.ts";
import { testKeys } from "./test-keys.ts";

const DAY_MS = 24 * 60 * 60_000;
const RAUC_MS = 10 * 60_000;

interface Leaf {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Bundles that this project's own code refuses to make, signed under the CA that nodes trust. */
export type Forgery = "expired certificate" | "plain format";

async function homeCa() {
  const file = (name: string): Promise<string> => readFile(join(`${testKeys}-development`, name), "utf8");
  return { ca: await file(files.ca), caKey: createPrivateKey(await file(files.caKey)) };
}

/** A leaf whose last day was yesterday. */
async function expiredLeaf(): Promise<Leaf> {
  const { ca, caKey } = await homeCa();
  const [pkijs] = await libraries();
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const der = await encodeCertificate({
    commonName: "somebody who had the key until yesterday",
    issuer: pkijs.Certificate.fromBER(bufferOf(new X509Certificate(ca).raw)),
    from: VALID_FROM,
    until: new Date(world.clock.now() - DAY_MS),
    publicKey,
    signedWith: caKey,
    extendedKeyUsage: [oids.codeSigning, oids.emailProtection],
  });
  return {
    certificate: toPem("certificate", der),
    privateKey: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

/** A forged bundle in the place of the one of `released`. */
export async function forgeBundle(
  { build }: NodeSession,
  kind: Forgery,
  released: BuiltImage,
  bundle: string,
): Promise<void> {
  const work = join(dirname(bundle), "forged");
  await rm(work, { recursive: true, force: true });
  const content = join(work, "content");
  await mkdir(content, { recursive: true });
  const { text: version, serial } = parseVersion(`v${/-(\d+\.\d+\.\d+)\.raucb$/.exec(bundle)?.[1]}`);
  const manifest = bundleManifest(manifestOf(released.info, { version, serial }));
  const format = kind === "plain format" ? "plain" : "verity";
  await writeFile(join(content, "manifest.raucm"), manifest.replace("format=verity", `format=${format}`));
  await link(join(released.folder, "slot.ext4"), join(content, SLOT_FILE));
  const { ca, caKey } = await homeCa();
  const leaf =
    kind === "plain format" ? await issueLeaf(ca, caKey, new Date(world.clock.now())) : await expiredLeaf();
  await rm(bundle);
  await rauc(build.tools, content, bundle, leaf);
  await rm(work, { recursive: true });
}

/** Without a keyring RAUC looks at nothing that it signs. */
async function rauc(tools: ToolsTree, content: string, bundle: string, leaf: Leaf): Promise<void> {
  const certificate = join(dirname(content), "certificate.pem");
  await writeFile(certificate, leaf.certificate);
  const args = ["bundle", `--cert=${certificate}`, "--key=/dev/stdin", content, bundle];
  await world.processes.run(
    tools.command(["sh", "-c", 'cat | rauc "$@"', "rauc", ...args], {
      binds: [{ source: dirname(bundle) }],
      input: leaf.privateKey,
      timeoutMs: RAUC_MS,
      signal: world.signal,
    }),
  );
}

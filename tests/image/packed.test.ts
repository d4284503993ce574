import { createHash, createPrivateKey } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { realWorld } from "../../lib/external/world.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import type { ToolsTree } from "../../lib/image/tools/tree.ts";
import { issueCa, issueLeaf, throwAway } from "../../lib/keys/certificates.ts";
import type { SigningIdentity } from "../../lib/keys/keys.ts";
import { readBundleInfo } from "../../lib/release/bundle/info.ts";
import { packBuild, readPackedBuild, sealBuild } from "../../lib/release/packed-build.ts";
import { parseVersion } from "../../lib/release/version.ts";
import { quietReporter } from "../unit/image/quiet-reporter.ts";
import { smallBuild } from "./small-build.ts";

const cache = process.env.PI_TEST_CACHE ?? "/var/cache/home-pi-cluster";
const world = realWorld(new AbortController().signal);
const { reporter } = quietReporter();
const now = new Date();
const version = parseVersion("v1.2.3");
const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

let folder: string;
let tools: ToolsTree;
let identity: SigningIdentity;
beforeAll(async () => {
  tools = await ensureTools(world, reporter, cache);
  folder = await mkdtemp(join(tmpdir(), "packed-"));
  const ca = await issueCa({ cluster: "home", now, standing: undefined });
  const leaf = await issueLeaf(ca.certificate, createPrivateKey(ca.privateKey), now);
  identity = { certificate: leaf.certificate, privateKey: leaf.privateKey, ca: ca.certificate };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a bundle signed by nobody in one job is signed by the cluster in another, and by nobody else's leave", async () => {
  const artifact = join(folder, "artifact");
  const press = { tools, cacheDir: join(folder, "cache"), world, reporter };
  const names = await packBuild(await smallBuild(folder), version, artifact, {
    ...press,
    throwAway: () => throwAway(now, "home"),
  });
  await expect(readBundleInfo(join(artifact, names.bundle), identity.ca, tools, world)).rejects.toMatchObject(
    {
      code: "BUNDLE",
    },
  );

  const boot = join(folder, "boot.json");
  const imageSha256 = sha256(await readFile(join(artifact, names.image)));
  const check = { name: "slot", ok: true, expected: "A", actual: "A" };
  const result = {
    version: 1,
    ok: true,
    machine: "raspi3b",
    checks: [check],
    boots: [{ timings: { loginMs: 1 } }],
  };
  await writeFile(boot, JSON.stringify({ imageSha256, result }));
  const packed = await readPackedBuild("agent-rpi-arm64", artifact, boot, version);
  const sealed = join(folder, "sealed");
  await mkdir(sealed);
  const job = { names, version: version.text, serial: version.serial };
  const made = await sealBuild(packed, job, sealed, { ...press, identity });
  expect(made.boot).toEqual({ machine: "raspi3b", checks: 1, loginSeconds: 0 });
  expect(await readBundleInfo(join(sealed, names.bundle), identity.ca, tools, world)).toMatchObject({
    compatible: "home-agent-rpi-arm64",
    version: "1.2.3",
    slot: packed.info.slot,
  });
  // What was not signed in that build job is not signed here.
  await writeFile(join(artifact, "throw-away-ca.pem"), (await throwAway(now, "home")).ca);
  const again = join(folder, "again");
  await mkdir(again);
  await expect(sealBuild(packed, job, again, { ...press, identity })).rejects.toMatchObject({
    code: "BUNDLE",
  });
});

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfFile } from "../../lib/external/files.ts";
import { openRunArtifacts } from "../../lib/external/run-artifacts.ts";
import { realWorld } from "../../lib/external/world.ts";
import { ensureTools } from "../../lib/image/tools/ensure.ts";
import { throwAway } from "../../lib/keys/certificates.ts";
import { BOOT_FILE, packBuild, THROW_AWAY_CA } from "../../lib/release/packed-build.ts";
import { parseVersion } from "../../lib/release/version.ts";
import type { OwnCluster } from "../contract/actions/own-cluster.ts";
import { quietReporter } from "../unit/image/quiet-reporter.ts";
import { smallBuild } from "./small-build.ts";

const world = realWorld(new AbortController().signal);
const { reporter } = quietReporter();
const version = parseVersion("v1.2.3");

/** What the jobs before leave: a small build, packed with the real RAUC, and a boot test that passed. */
export async function leaveBuild(cluster: OwnCluster, cache: string, profile: string): Promise<void> {
  const tools = await ensureTools(world, reporter, cache);
  const folder = join(cluster.folder, profile);
  const names = await packBuild(await smallBuild(cluster.folder, profile), version, folder, {
    ...{ tools, cacheDir: join(cluster.folder, "cache"), world, reporter },
    throwAway: () => throwAway(new Date(), "home"),
  });
  const check = { name: "slot", ok: true, expected: "A", actual: "A" };
  const result = {
    version: 1,
    ok: true,
    machine: "raspi3b",
    checks: [check],
    boots: [{ timings: { loginMs: 1 } }],
  };
  const boot = join(cluster.folder, `boot-${profile}`, BOOT_FILE);
  await mkdir(join(boot, ".."), { recursive: true });
  await writeFile(
    boot,
    JSON.stringify({ imageSha256: await sha256OfFile(join(folder, names.image)), result }),
  );
  const files = [...Object.values(names), THROW_AWAY_CA].map((name) => join(folder, name));
  const artifacts = await openRunArtifacts();
  await artifacts.upload(`image-${profile}-rpi-arm64`, files);
  await artifacts.upload(`boot-${profile}-rpi-arm64`, [boot]);
}

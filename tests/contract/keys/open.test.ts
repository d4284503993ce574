import { generateKeyPairSync } from "node:crypto";
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KeyCode } from "../../../lib/keys/failure.ts";
import { makeKeys, plannedKeys } from "../../../lib/keys/make.ts";
import { openKeys, takeDevelopmentKeys } from "../../../lib/keys/open.ts";
import { emptyFolder, NOW, newKeys, writeKey } from "./key-folder.ts";

const open = (folder: string, publicFolder = folder) => openKeys({ folder, publicFolder });
const failure = (code: KeyCode, message: string | RegExp, fix: string | RegExp = /./) =>
  expect.objectContaining({
    code,
    message: typeof message === "string" ? message : expect.stringMatching(message),
    fix: expect.stringMatching(fix),
  });

describe("new keys", () => {
  it("are a folder only its owner can look into, with what was planned in it", async () => {
    const folder = await newKeys();
    const planned = plannedKeys({ roots: 2, development: false }).map(({ name }) => name);
    expect((await readdir(folder)).sort()).toEqual([...planned].sort());
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const name of planned) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    const keys = await open(folder);
    expect(keys.place).toBe(folder);
    expect(keys.development).toBe(false);
    const roles = (["root", "targets", "online"] as const).map((role) => keys.role(role));
    expect(roles.map((one) => one.map(({ name }) => name))).toEqual([
      ["root-1", "root-2"],
      ["targets-1"],
      ["online-1"],
    ]);
    expect(new Set(roles.flat().map(({ keyId }) => keyId)).size).toBe(4);
    const { ca } = keys.signing(NOW);
    expect(ca).toBe(await readFile(join(folder, "ca.pem"), "utf8"));
  });

  it("never take the place of others", async () => {
    const folder = await newKeys();
    const before = await readFile(join(folder, "root-1.pem"), "utf8");
    const again = makeKeys({ folder, cluster: "home", now: NOW, development: false, roots: 1 });
    await expect(again).rejects.toThrow(failure("EXISTS", /^there are keys in .*home already/));
    expect(await readFile(join(folder, "root-1.pem"), "utf8")).toBe(before);
  });

  it("never take the place of a file", async () => {
    const parent = await emptyFolder();
    const folder = join(parent, "home");
    await writeFile(folder, "mine");
    const making = makeKeys({ folder, cluster: "home", now: NOW, development: false, roots: 1 });
    await expect(making).rejects.toThrow(failure("EXISTS", /home/));
    expect(await readFile(folder, "utf8")).toBe("mine");
    expect(await readdir(parent)).toEqual(["home"]);
  });

  it("take the place of what a killed run left, once it is surely dead", async () => {
    const parent = await emptyFolder();
    const [dead, alive] = [join(parent, ".home.making-00000000"), join(parent, ".home.making-11111111")];
    for (const one of [dead, alive]) await mkdir(one);
    const old = new Date(NOW.getTime() - 2 * 3_600_000);
    await utimes(dead, old, old);
    await utimes(alive, NOW, NOW);
    await makeKeys({ folder: join(parent, "home"), cluster: "home", now: NOW, development: false, roots: 1 });
    expect((await readdir(parent)).sort()).toEqual([".home.making-11111111", "home"]);
  });

  it("say where they cannot be written", async () => {
    const file = join(await emptyFolder(), "file");
    await writeFile(file, "");
    const folder = join(file, "keys", "home");
    const making = makeKeys({ folder, cluster: "home", now: NOW, development: false, roots: 1 });
    await expect(making).rejects.toThrow(
      failure("UNWRITABLE", `the keys cannot be written to ${folder}: ENOTDIR`, /PI_KEYS/),
    );
  });
});

describe("development keys", () => {
  it("are made once, also by two at the same time, and say what they are", async () => {
    const folder = join(await emptyFolder(), "deep", "home");
    const take = () => takeDevelopmentKeys({ folder, cluster: "home", now: NOW });
    const both = await Promise.all([take(), take()]);
    const third = await take();
    const ids = [...both, third].map((keys) => keys.role("targets")[0]?.keyId);
    expect(new Set(ids).size).toBe(1);
    expect(third.development).toBe(true);
    expect(await readFile(join(folder, "DEVELOPMENT"), "utf8")).toContain("./pi keys init");
    expect(await readdir(dirname(folder))).toEqual(["home"]);
    // The CA says it too, wherever its certificate gets.
    await rm(join(folder, "DEVELOPMENT"));
    expect((await open(folder)).development).toBe(true);
  });

  it("are not made where there are others", async () => {
    const folder = await newKeys();
    expect((await takeDevelopmentKeys({ folder, cluster: "home", now: NOW })).development).toBe(false);
  });
});

describe("keys that are missing", () => {
  it("are told with all places they were looked for", async () => {
    const folder = join(await emptyFolder(), "home");
    const keys = await open(folder);
    expect(() => keys.role("targets")).toThrow(
      failure(
        "MISSING",
        `a key for targets is missing: neither a secret PI_KEY_TARGETS nor a file ${folder}/targets-1.pem`,
        /keys init.*PI_KEYS.*PI_KEY_TARGETS/,
      ),
    );
    expect(() => keys.role("root")).toThrow(
      failure("MISSING", `a key for root is missing: there is no ${folder}/root-1.pem`),
    );
    expect(() => keys.signing(NOW)).toThrow(
      failure("MISSING", /PI_CERT_SIGNING nor a file .*\/signing\.pem/),
    );
  });

  it.each([
    ["signing-key.pem", "MISSING", /^the signing key is missing: .*PI_KEY_SIGNING.*\/signing-key\.pem/],
    ["signing.pem", "MISSING", /^the signing certificate is missing: .*PI_CERT_SIGNING/],
    ["ca.pem", "PUBLIC_MISSING", /^the CA is missing: there is no .*\/ca\.pem$/],
  ] as const)("of a set that is there in part: %s", async (name, code, message) => {
    const folder = await newKeys();
    await rm(join(folder, name));
    const keys = await open(folder);
    expect(() => keys.signing(NOW)).toThrow(failure(code, message));
    expect(keys.role("online")).toHaveLength(1);
  });

  it("do not keep another holder of the role from signing", async () => {
    const folder = await newKeys();
    await rm(join(folder, "root-1.pem"));
    expect((await open(folder)).role("root").map(({ name }) => name)).toEqual(["root-2"]);
  });
});

describe("a job's secrets", () => {
  it("are used instead of files, and the folder need not be there", async () => {
    const folder = await newKeys();
    const read = (name: string) => readFile(join(folder, name), "utf8");
    const secrets = {
      targets: await read("targets-1.pem"),
      online: await read("online-1.pem"),
      signingKey: await read("signing-key.pem"),
      signing: await read("signing.pem"),
    };
    const job = await openKeys({ folder: "/nowhere", publicFolder: folder, secrets });
    const person = await open(folder);
    expect(job.place).toBe("the job's secrets");
    expect(job.role("targets")[0]?.keyId).toBe(person.role("targets")[0]?.keyId);
    expect(job.signing(NOW)).toEqual(person.signing(NOW));
    expect(() => job.role("root")).toThrow(failure("MISSING", /root-1\.pem/));
  });

  it("are never put together with files: a certificate without its key is told", async () => {
    const folder = await newKeys();
    const signing = await readFile(join(folder, "signing.pem"), "utf8");
    const keys = await openKeys({ folder, publicFolder: folder, secrets: { signing } });
    expect(keys.place).toBe(`the job's secrets and ${folder}`);
    expect(() => keys.signing(NOW)).toThrow(failure("MISSING", /PI_KEY_SIGNING/));
  });

  it("that are no PEM are told by their name, not by their content", async () => {
    const folder = await newKeys();
    const keys = await openKeys({ folder, publicFolder: folder, secrets: { online: "hunter2" } });
    expect(() => keys.role("online")).toThrow(
      failure("UNREADABLE", /^the key online-1 in the secret PI_KEY_ONLINE: no PEM block/),
    );
    expect(() => keys.role("online")).not.toThrow(/hunter2/);
  });
});

describe("keys others may read", () => {
  it.each([
    ["targets-1.pem", 0o644, /^the key targets-1 in .*targets-1\.pem has mode 0644/, /chmod 0600/],
    ["signing-key.pem", 0o620, /^the signing key in .*signing-key\.pem has mode 0620/, /chmod 0600/],
    [".", 0o755, /home\/? has mode 0755/, /chmod 0700/],
  ] as const)("are refused: %s", async (name, mode, message, fix) => {
    const folder = await newKeys();
    await chmod(join(folder, name), mode);
    await expect(open(folder)).rejects.toThrow(failure("EXPOSED", message, fix));
  });

  it("are not meant with certificates", async () => {
    const folder = await newKeys();
    for (const name of ["ca.pem", "signing.pem"]) await chmod(join(folder, name), 0o644);
    expect((await open(folder)).signing(NOW).certificate).toContain("BEGIN CERTIFICATE");
  });
});

describe("keys that do not belong", () => {
  const pem = (type: "rsa" | "p384") =>
    (type === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "secp384r1" })
    ).privateKey
      .export({ format: "pem", type: "pkcs8" })
      .toString();

  it("are told: another kind", async () => {
    const folder = await newKeys();
    await writeKey(join(folder, "targets-1.pem"), pem("rsa"));
    await writeKey(join(folder, "signing-key.pem"), pem("p384"));
    const keys = await open(folder);
    expect(() => keys.role("targets")).toThrow(failure("WRONG", /of kind rsa, ed25519 is expected$/));
    expect(() => keys.signing(NOW)).toThrow(failure("WRONG", /of kind ec \(secp384r1\)/));
  });

  it("are told: the key of another certificate", async () => {
    const [folder, other] = [await newKeys(), await newKeys()];
    await copyFile(join(other, "signing-key.pem"), join(folder, "signing-key.pem"));
    const keys = await open(folder);
    expect(() => keys.signing(NOW)).toThrow(
      failure("WRONG", /is not that of the signing key/, /keys rotate/),
    );
  });

  it("are told: a certificate of another cluster's CA", async () => {
    const [folder, other] = [await newKeys(), await newKeys({ cluster: "other" })];
    const keys = await open(folder, other);
    expect(() => keys.signing(NOW)).toThrow(
      failure(
        "WRONG",
        /is not signed by the CA in .*ca\.pem, but by another one, "home: Home Pi Cluster CA"$/,
      ),
    );
  });

  it("are told: a CA of the same name", async () => {
    const [folder, other] = [await newKeys(), await newKeys()];
    const keys = await open(folder, other);
    expect(() => keys.signing(NOW)).toThrow(
      failure("WRONG", /but by another one, "home: Home Pi Cluster CA"$/),
    );
  });

  it("are told: a leaf in the CA's place, no certificate, something behind it", async () => {
    const folder = await newKeys();
    const place = await emptyFolder();
    await copyFile(join(folder, "signing.pem"), join(place, "ca.pem"));
    const leafAsCa = await open(folder, place);
    expect(() => leafAsCa.signing(NOW)).toThrow(failure("WRONG", /is the certificate of no CA$/));
    await writeFile(join(place, "ca.pem"), "nothing\n");
    const none = await open(folder, place);
    expect(() => none.signing(NOW)).toThrow(failure("UNREADABLE", /no certificate, or a broken one/));
    await writeKey(join(folder, "signing.pem"), `${await readFile(join(folder, "signing.pem"), "utf8")}x`);
    const more = await open(folder);
    expect(() => more.signing(NOW)).toThrow(failure("UNREADABLE", /something besides the PEM block/));
  });

  it("are told: the CA itself as the one that signs", async () => {
    const folder = await newKeys();
    await copyFile(join(folder, "ca.pem"), join(folder, "signing.pem"));
    await copyFile(join(folder, "ca-key.pem"), join(folder, "signing-key.pem"));
    const keys = await open(folder);
    expect(() => keys.signing(NOW)).toThrow(failure("WRONG", /is not made for signing/));
  });

  it("may be of the old CA or the new one where keys/ca.pem has both", async () => {
    const [folder, other] = [await newKeys(), await newKeys({ cluster: "new" })];
    const place = await emptyFolder();
    const both = await Promise.all([other, folder].map((one) => readFile(join(one, "ca.pem"), "utf8")));
    await writeFile(join(place, "ca.pem"), `# new\n${both[0]}# old\n${both[1]}`);
    for (const one of [folder, other]) {
      expect((await open(one, place)).signing(NOW).ca).toContain("# old");
    }
  });
});

describe("certificates and the time", () => {
  it.each([
    ["1970-01-01T00:00:00Z", "CLOCK", /is valid from 2020-01-01, and this machine's clock says 1970-01-01/],
    ["2036-11-20T10:15:01Z", "EXPIRED", /^the signing certificate in .* was valid until 2036-11-20/],
    ["2060-01-01T00:00:00Z", "EXPIRED", /^the CA in .*ca\.pem was valid until 2056-11-20/],
  ] as const)("%s: %s", async (now, code, message) => {
    const keys = await open(await newKeys());
    expect(() => keys.signing(new Date(now))).toThrow(failure(code, message));
  });

  it("last to their last second", async () => {
    const keys = await open(await newKeys());
    expect(keys.signing(new Date("2036-11-20T10:15:00Z")).certificate).toContain("CERTIFICATE");
    expect(keys.signing(new Date("2020-01-01T00:00:00Z")).certificate).toContain("CERTIFICATE");
  });
});

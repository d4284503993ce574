import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findInProcesses, findSecrets, secretsIn } from "./find-secrets.ts";
import { emptyFolder, newKeys } from "./key-folder.ts";

/** A process that waits until the test is over. */
function waiting(argv: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn("sh", ["-c", "read line", "sh", ...argv], { env, stdio: ["pipe", "ignore", "ignore"] });
  onTestFinished(async () => {
    const exited = once(child, "exit");
    child.stdin?.end();
    await exited;
  });
  return child;
}

const PRIVATE = [
  "ca-key.pem",
  "online-1.pem",
  "root-1.pem",
  "root-2.pem",
  "signing-key.pem",
  "targets-1.pem",
];

describe("the search for private keys", () => {
  it("knows each key of a set, and finds none in its certificates", async () => {
    const folder = await newKeys();
    const needles = await secretsIn(folder);
    expect([...new Set(needles.map(({ key }) => key))]).toEqual(PRIVATE);
    const found = await findSecrets(needles, [folder]);
    expect([...new Set(found.map(({ where }) => where.split("/").at(-1)?.split(" ")[0]))]).toEqual(PRIVATE);
    expect(
      await findSecrets(
        needles,
        ["ca.pem", "signing.pem"].map((name) => join(folder, name)),
      ),
    ).toEqual([]);
  });

  it("finds each of them in whatever form, at whatever place", async () => {
    const folder = await newKeys();
    const needles = await secretsIn(folder);
    for (const name of PRIVATE) {
      const pem = await readFile(join(folder, name), "utf8");
      const body = pem.replace(/-----[A-Z ]+-----|\n/g, "");
      const der = Buffer.from(body, "base64");
      const forms = {
        pem,
        json: JSON.stringify({ log: pem }),
        "one line": body,
        base64: Buffer.from(`x${pem}`).toString("base64"),
        "base64 of DER": Buffer.concat([Buffer.of(1), der]).toString("base64"),
        base64url: der.toString("base64url"),
        hex: der.toString("hex"),
        HEX: der.toString("hex").toUpperCase(),
        colons: der.toString("hex").replace(/..(?!$)/g, "$&:"),
        der,
      };
      const place = await emptyFolder();
      for (const [form, content] of Object.entries(forms)) {
        await writeFile(join(place, form), Buffer.concat([Buffer.alloc(77), Buffer.from(content)]));
      }
      const found = await findSecrets(needles, [place]);
      const hit = Object.keys(forms).filter((form) =>
        found.some(({ where, key }) => key === name && where.startsWith(`${join(place, form)} at byte `)),
      );
      expect(hit).toEqual(Object.keys(forms));
    }
  });

  it("looks over the edge of what it reads at a time, and into names and links", async () => {
    const folder = await newKeys();
    const needles = await secretsIn(folder);
    const line = (await readFile(join(folder, "root-1.pem"), "utf8")).split("\n")[1] ?? "";
    const place = await emptyFolder();
    await writeFile(
      join(place, "large"),
      Buffer.concat([Buffer.alloc(4 * 1024 * 1024 - 30), Buffer.from(line)]),
    );
    await mkdir(join(place, line.replaceAll("/", "_")));
    await symlink(line, join(place, "link"));
    const found = await findSecrets(needles, [place]);
    expect(found.some(({ where }) => where.includes("large at byte 41942"))).toBe(true);
    expect(found.some(({ where }) => where === `the link ${join(place, "link")}`)).toBe(true);
    if (!line.includes("/")) expect(found.some(({ where }) => where.startsWith("the name "))).toBe(true);
  });

  it("sees command lines and environments of what runs", async () => {
    const folder = await newKeys();
    const needles = await secretsIn(folder);
    const pem = await readFile(join(folder, "targets-1.pem"), "utf8");
    expect(await findInProcesses(needles)).toEqual([]);
    const careless = waiting([pem]);
    const inherited = waiting([], { PI_KEY_TARGETS: pem });
    // Until each of them is the program it was told to be.
    await expect
      .poll(async () => [...new Set((await findInProcesses(needles)).map(({ where }) => where))].sort())
      .toEqual(
        [`cmdline of process ${careless.pid} (sh)`, `environ of process ${inherited.pid} (sh)`].sort(),
      );
  });
});

import { describe, expect, it } from "vitest";
import { parseIdentity } from "../../../lib/cluster/identity.ts";
import {
  checkIn,
  checkRefused,
  readSshAnswer,
  sshCommand,
  throwAwayIdentity,
} from "../../../lib/emulator/ssh.ts";
import { BUILD_ID } from "./sample-report.ts";

const KEY = `ssh-ed25519 ${Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from("ssh-ed25519"),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
]).toString("base64")} throw-away-friend`;

describe("throwAwayIdentity", () => {
  it("is an identity file as people write it", () => {
    expect(parseIdentity(throwAwayIdentity(KEY))).toEqual({
      version: 1,
      hostname: "emulated-pi",
      ssh: [KEY],
    });
  });
});

describe("sshCommand", () => {
  it("tries the one key, asks nothing and remembers nothing", () => {
    const command = sshCommand({ port: 2222, key: "/w/friend" }, "id -un").join(" ");
    expect(command).toMatch(/^ssh -F \/dev\/null -n -T .* -p 2222 root@127\.0\.0\.1 id -un$/);
    for (const option of ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none"]) {
      expect(command).toContain(option);
    }
    expect(command).toContain("-i /w/friend");
  });

  it("tries no key where passwords are tried", () => {
    const command = sshCommand({ port: 2222, key: undefined }, "id -un").join(" ");
    expect(command).toContain("PubkeyAuthentication=no");
    expect(command).not.toContain(" -i ");
  });
});

describe("readSshAnswer", () => {
  it.each([
    [0, "root\n", "", { kind: "in", output: "root\n" }],
    [1, "root\n", "cat: no such file", { kind: "in", output: "root\n" }],
    [
      255,
      "",
      "root@127.0.0.1: Permission denied (publickey).\n",
      { kind: "refused", methods: ["publickey"] },
    ],
    [
      255,
      "",
      "root@127.0.0.1: Permission denied (publickey,password).\r\n",
      { kind: "refused", methods: ["publickey", "password"] },
    ],
    [
      255,
      "",
      "Connection closed by 127.0.0.1 port 2222\n",
      { kind: "unreachable", reason: "Connection closed by 127.0.0.1 port 2222" },
    ],
  ])("exit %i, %j, %j", (code, stdout, stderr, answer) => {
    expect(readSshAnswer(code, stdout, stderr)).toEqual(answer);
  });
});

describe("checkIn", () => {
  const json = JSON.stringify({ cluster: "home", buildId: BUILD_ID, contract: 1 });

  it("is content with the user and the build that reported", () => {
    expect(checkIn({ kind: "in", output: `root\n${json}\n` }, BUILD_ID).ok).toBe(true);
  });

  it.each([
    [{ kind: "in" as const, output: `pi\n${json}\n` }, "pi, build 0f0f0f0f0f0f"],
    [{ kind: "in" as const, output: "root\n" }, "root, build unknown"],
    [{ kind: "in" as const, output: `root\n{"buildId":"${"ab".repeat(32)}"}` }, "root, build abababababab"],
    [
      { kind: "in" as const, output: `root\n{"buildId":"${BUILD_ID.slice(0, 40)}"}` },
      "root, build 0f0f0f0f0f0f",
    ],
    [{ kind: "refused" as const, methods: ["publickey"] }, "refused, publickey only"],
    [{ kind: "unreachable" as const, reason: "timed out" }, "no answer: timed out"],
  ])("%j fails", (answer, actual) => {
    expect(checkIn(answer, BUILD_ID)).toMatchObject({ ok: false, actual });
  });
});

describe("checkRefused", () => {
  it.each([
    [{ kind: "refused" as const, methods: ["publickey"] }, true, "refused, publickey only"],
    [{ kind: "refused" as const, methods: ["publickey", "password"] }, false, "refused, also takes password"],
    [{ kind: "in" as const, output: "root" }, false, "let in"],
    // A door that was never found is no proof that it is locked.
    [{ kind: "unreachable" as const, reason: "timed out" }, false, "no answer: timed out"],
  ])("%j", (answer, ok, actual) => {
    expect(checkRefused("ssh with another key", answer)).toMatchObject({ ok, actual });
  });
});

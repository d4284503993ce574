import { describe, expect, it } from "vitest";
import { approve } from "../../../lib/manifest/repository/approve.ts";
import { filesAfter } from "../../../lib/manifest/repository/change.ts";
import { refresh } from "../../../lib/manifest/repository/refresh.ts";
import { contentOfRoot } from "../../../lib/manifest/repository/root.ts";
import { rotate } from "../../../lib/manifest/repository/rotate.ts";
import { recoverState } from "../../../lib/manifest/repository/state.ts";
import { addRelease, block, unblock } from "../../../lib/manifest/repository/targets.ts";
import { Bench, choices, exampleRelease, keyCalled, rootOf, signersOf } from "./example.ts";

const code = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
  return "no error";
};

describe("a release", () => {
  it("writes what names comes before what is named by it, and timestamp.json last", () => {
    const bench = new Bench().release("v1.0.0");
    const digests = bench.last.writes.map(({ path }) => path.replace(/[0-9a-f]{64}/, "DIGEST"));
    expect(digests).toEqual([
      "1.root.json",
      "targets/channels/DIGEST.stable.json",
      "targets/channels/DIGEST.beta.json",
      "1.targets.json",
      "1.snapshot.json",
      "timestamp.json",
    ]);
    expect(bench.lines).toEqual([
      "release v1.0.0: 3 files",
      "channel stable: nothing -> v1.0.0",
      "channel beta: nothing -> v1.0.0",
      "targets 1, snapshot 1, timestamp until 2026-12-01",
    ]);
  });

  it("changes nothing when it comes a second time", () => {
    const bench = new Bench().release("v1.0.0").at(5).release("v1.0.0");
    expect(bench.last).toEqual({ lines: ["nothing changes"], writes: [], removes: [] });
  });

  it("moves no channel when it is for those who stayed behind, and is known all the same", () => {
    const bench = new Bench().release("v2.0.0").release("v1.9.1");
    expect(bench.state.channels.stable?.release).toBe("v2.0.0");
    expect(Object.keys(bench.state.targets?.signed.targets ?? {})).toContain("releases/v1.9.1/release.json");
    expect(bench.lines).toContain("no channel moves: all are at this release or beyond");
  });

  it("is refused with another content than before", () => {
    const bench = new Bench().release("v1.0.0");
    const other = exampleRelease("v1.0.0", "changed");
    expect(code(() => addRelease(bench.state, other, choices, bench.signing))).toBe(
      "RELEASE: releases/v1.0.0/home-server-rpi-arm64-1.0.0.raucb: the manifest knows v1.0.0 with another content",
    );
  });

  it("leaves ten versions of targets and snapshot, what they name, and every root", () => {
    const bench = new Bench();
    for (let minor = 0; minor < 14; minor += 1) bench.release(`v1.${minor}.0`);
    const versions = bench.names.filter((name) => name.endsWith(".targets.json"));
    expect(versions).toHaveLength(10);
    expect(versions).toContain("5.targets.json");
    expect(bench.names.filter((name) => name.endsWith(".stable.json"))).toHaveLength(10);
    expect(bench.names).toContain("1.root.json");
  });

  it("removes what a run that was stopped left, and nothing else", () => {
    const bench = new Bench().release("v1.0.0");
    const left = new Bench().release("v1.0.0").release("v1.1.0");
    const files = new Map(bench.files);
    for (const path of ["2.targets.json", "2.snapshot.json"])
      files.set(path, left.files.get(path) ?? new Uint8Array());
    bench.files = files;
    bench.release("v1.0.0");
    expect(bench.last.removes).toEqual(["2.snapshot.json", "2.targets.json"]);
  });

  it("needs the online key, and the right one", () => {
    const release = (signers = signersOf()) => code(() => new Bench(rootOf(), signers).release("v1.0.0"));
    expect(release(signersOf({ online: [] }))).toBe(
      "NO_KEY: signing snapshot takes 1 online key; 0 in the test",
    );
    expect(release(signersOf({ online: ["stranger"] }))).toBe(
      "WRONG_KEY: the online key stranger in the test is none that root 1 knows",
    );
    expect(release(signersOf({ targets: ["stranger"] }))).toMatch(/^WRONG_KEY: the targets key stranger/);
  });
});

describe("blocking", () => {
  const request = { version: "1.0.0", reason: "loses its clock" };

  it("is told to every channel, and taken back", () => {
    const bench = new Bench().release("v1.0.0").do((state, signing) => block(state, request, signing));
    const blocked = [{ ...request, id: "*", since: "2026-11-01T12:00:00Z" }];
    expect(bench.state.channels.stable?.blocked).toEqual(blocked);
    expect(bench.state.channels.beta?.blocked).toEqual(blocked);
    bench.at(1).do((state, signing) => block(state, request, signing));
    expect(bench.last.writes).toEqual([]);
    bench.release("v1.0.1");
    expect(bench.state.channels.stable?.blocked).toEqual(blocked);
    bench.do((state, signing) => unblock(state, "1.0.0", undefined, signing));
    expect(bench.state.channels.stable?.blocked).toEqual([]);
  });

  it("is told of one image alone", () => {
    const ids = ["agent-rpi-arm64", "agent-rpi5"];
    const bench = new Bench()
      .release("v1.0.0")
      .do((state, signing) => block(state, { ...request, ids }, signing));
    expect(bench.state.channels.stable?.blocked.map(({ id }) => id)).toEqual(["agent-rpi-arm64"]);
    expect(code(() => block(bench.state, { ...request, ids: ["x-rpi5"] }, bench.signing))).toBe(
      "VERSION: no channel has an image x-rpi5",
    );
  });

  it("is refused without channels, and taken back only where it is", () => {
    expect(code(() => new Bench().do((state, signing) => block(state, request, signing)))).toMatch(
      /^VERSION: /,
    );
    const bench = new Bench().release("v1.0.0");
    expect(code(() => unblock(bench.state, "1.0.0", undefined, bench.signing))).toBe(
      "VERSION: 1.0.0 is not blocked",
    );
  });
});

describe("refreshing", () => {
  const writes = (bench: Bench) => bench.last.writes.map(({ path }) => path);
  const refreshed = (days: number, force = false) =>
    writes(
      new Bench()
        .release("v1.0.0")
        .at(days)
        .do((state, signing) => refresh(state, signing, force)),
    );

  it.each([
    [0, []],
    [6, []],
    [8, ["timestamp.json"]],
    [40, ["timestamp.json"]],
    [250, ["targets/2", "snapshot/2", "timestamp.json"]],
  ])("after %i days writes %j", (days, expected) => {
    const paths = expected.map((name) => name.replace(/^(\w+)\/(\d)$/, "$2.$1.json"));
    expect(refreshed(days)).toEqual(paths);
  });

  it("renews the timestamp when told to", () => {
    expect(refreshed(0, true)).toEqual(["timestamp.json"]);
  });

  it("makes an empty manifest where there is none", () => {
    const bench = new Bench().do((state, signing) => refresh(state, signing, false));
    expect(writes(bench)).toEqual(["1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"]);
  });

  it("warns of a root that a person must renew", () => {
    const bench = new Bench()
      .release("v1.0.0")
      .at(300)
      .do((state, signing) => refresh(state, signing, false));
    expect(bench.lines[0]).toBe("warning: root 1 has 65 days left: run ./pi keys rotate root soon");
  });

  it("renews the rest while targets wait for a person", () => {
    const bench = new Bench().release("v1.0.0").at(250, signersOf({ targets: [] }));
    bench.do((state, signing) => refresh(state, signing, false));
    expect(writes(bench)).toEqual(["pending/targets.json", "2.snapshot.json", "timestamp.json"]);
    expect(bench.state.pending?.signed.version).toBe(2);
  });
});

describe("signing elsewhere", () => {
  const two = { targets: ["targets-1", "targets-2"] };
  const online = signersOf({ root: [], targets: [] });

  it("waits, collects two signatures, and is published where the online key is", () => {
    const bench = new Bench(rootOf(two, { targets: 2 }), online);
    bench.release("v1.0.0");
    expect(bench.names).not.toContain("timestamp.json");
    bench.release("v1.0.1");
    expect(bench.state.pendingChannels.stable?.release).toBe("v1.0.1");
    bench.at(1, signersOf({ root: [], online: [], targets: ["targets-1"] }));
    bench.do(approve);
    expect(bench.lines.slice(-2)).toEqual(["targets 1: 1 of 2 signatures", "it waits for more"]);
    bench.do(approve);
    expect(bench.last.writes).toEqual([]);
    bench.at(2, signersOf({ root: [], online: [], targets: ["targets-2"] })).do(approve);
    expect(bench.lines.at(-1)).toBe("publish it where the online key is: ./pi manifest refresh");
    expect(bench.names).not.toContain("timestamp.json");
    bench.at(3, online).do((state, signing) => refresh(state, signing, false));
    expect(bench.names).toContain("timestamp.json");
    expect(bench.names).not.toContain("pending/targets.json");
    expect(bench.state.channels.stable?.release).toBe("v1.0.1");
    expect(Object.keys(bench.state.targets?.signed.targets ?? {})).toContain("releases/v1.0.0/release.json");
  });

  it("shows a person what is signed, with digests", () => {
    const bench = new Bench(rootOf(), online).release("v1.0.0").at(0, signersOf()).do(approve);
    expect(bench.lines[0]).toMatch(/^\+ channels\/beta\.json \d+ bytes sha256 [0-9a-f]{64}$/);
    expect(bench.lines).toHaveLength(7);
    expect(bench.names).toContain("timestamp.json");
  });

  it("refuses to approve nothing, and with a stranger's key", () => {
    const bench = new Bench().release("v1.0.0");
    expect(code(() => approve(bench.state, bench.signing))).toMatch(/^PENDING: /);
    const waiting = new Bench(rootOf(), online).release("v1.0.0").at(0, signersOf({ targets: ["stranger"] }));
    expect(code(() => approve(waiting.state, waiting.signing))).toMatch(/^WRONG_KEY: /);
  });
});

describe("rotating", () => {
  const next = (...names: string[]) => ({ keys: names.map(keyCalled), threshold: 1 });

  it.each(["targets", "online"] as const)("hands %s over in two roots, without the old key", (role) => {
    const bench = new Bench().release("v1.0.0");
    const signers = signersOf({ [role]: [`${role}-2`] });
    const { change, root } = rotate(
      bench.state,
      { role, next: next(`${role}-2`) },
      { ...bench.signing, signers },
    );
    bench.carryOut(change);
    expect(change.writes.map(({ path }) => path)[0]).toBe("2.root.json");
    expect(change.writes.map(({ path }) => path).at(-1)).toBe("3.root.json");
    expect(Buffer.from(bench.files.get("3.root.json") ?? []).equals(root)).toBe(true);
    expect(contentOfRoot(bench.state.root)[role].keys.map(({ keyId }) => keyId)).toEqual([
      keyCalled(`${role}-2`).keyId,
    ]);
    bench.at(1, signers).release("v1.0.1");
  });

  it("replaces a stolen online key, also where an earlier run was stopped behind any of its files", () => {
    const bench = new Bench().release("v1.0.0");
    const before = bench.files;
    const signers = signersOf({ online: ["online-2"] });
    const request = { role: "online", next: next("online-2"), compromised: true } as const;
    const again = () =>
      rotate(recoverState(bench.files, bench.trusted), request, { ...bench.signing, signers }).change;
    const whole = again();
    expect(whole.writes.map(({ path }) => path)).toEqual([
      "2.root.json",
      "2001.snapshot.json",
      "timestamp.json",
    ]);
    const expected = filesAfter(before, whole);
    for (let at = 0; at <= whole.writes.length; at += 1) {
      bench.files = filesAfter(before, { ...whole, writes: whole.writes.slice(0, at), removes: [] });
      expect(filesAfter(bench.files, again()), `behind ${at}`).toEqual(expected);
    }
  });

  it("asks for the threshold of the old root and of the new one", () => {
    const names = { root: ["root-1", "root-2"] };
    const bench = new Bench(rootOf(names, { root: 2 }), signersOf(names)).release("v1.0.0");
    const request = {
      role: "root",
      next: { keys: [keyCalled("root-3"), keyCalled("root-4")], threshold: 2 },
    } as const;
    const tried = (root: string[]) =>
      code(() => rotate(bench.state, request, { ...bench.signing, signers: signersOf({ root }) }));
    expect(tried(["root-1", "root-3", "root-4"])).toMatch(
      /^NO_KEY: signing root takes 2 root keys; 1 in the test/,
    );
    expect(tried(["root-1", "root-2", "root-3"])).toBe(
      "NO_KEY: 2.root.json has 1 of 2 signatures that the new root asks for",
    );
    expect(tried(["root-1", "root-2", "root-3", "root-4"])).toBe("no error");
  });

  it("refuses a threshold nobody can reach", () => {
    const bench = new Bench().release("v1.0.0");
    const request = { role: "targets", next: { keys: [keyCalled("targets-2")], threshold: 2 } } as const;
    expect(code(() => rotate(bench.state, request, bench.signing))).toMatch(
      /^NO_KEY: the role targets asks for 2/,
    );
  });
});

import type { RoleName } from "../../../lib/keys/keys.ts";
import { refresh } from "../../../lib/manifest/repository/refresh.ts";
import { rotate } from "../../../lib/manifest/repository/rotate.ts";
import { type ManifestFiles, recoverState } from "../../../lib/manifest/repository/state.ts";
import { Bench, keyCalled, rootOf, signersOf } from "../../unit/manifest/example.ts";
import { flipped, forge, without } from "./forgeries.ts";

/** What a reader that keeps its memory finds, one after the other. */
interface Step {
  readonly files: ManifestFiles;
  readonly day: number;
  /** The release of the stable channel, or the code and the file of our error. */
  readonly expected: string | { readonly code: string; readonly file: string };
}

export interface History {
  readonly name: string;
  readonly trusted: Uint8Array;
  readonly steps: readonly Step[];
}

const one = new Bench().release("v1.0.0");
const two = new Bench().release("v1.0.0").release("v1.1.0");
const first: Step = { files: one.files, day: 0, expected: "v1.0.0" };
const second: Step = { files: two.files, day: 0, expected: "v1.1.0" };
const refused = (files: ManifestFiles, code: string, file: string, day = 0): Step => ({
  ...{ files, day },
  expected: { code, file },
});
const history = (name: string, ...steps: readonly Step[]): History => ({ name, trusted: one.trusted, steps });

function handedOver(role: RoleName, names: readonly string[], threshold: number): Bench {
  const bench = new Bench().release("v1.0.0");
  const old = role === "root" ? ["root-1"] : [];
  const signers = signersOf({ [role]: [...old, ...names] });
  const request = { role, next: { keys: names.map(keyCalled), threshold } };
  const { change } = rotate(bench.state, request, { ...bench.signing, signers });
  return bench
    .carryOut(change)
    .at(0, signersOf({ [role]: names }))
    .release("v1.1.0");
}

function rootChain(length: number): Bench {
  const bench = new Bench().release("v1.0.0");
  for (let at = 2; at <= length; at += 1) {
    const signers = signersOf({ root: [`root-${at - 1}`, `root-${at}`] });
    const request = { role: "root" as const, next: { keys: [keyCalled(`root-${at}`)], threshold: 1 } };
    bench.carryOut(rotate(bench.state, request, { ...bench.signing, signers }).change);
  }
  return bench.release("v1.1.0");
}

/** Two keys of which both must sign; `signing` do. */
function threshold(
  role: RoleName,
  signing: readonly string[],
): { readonly bench: Bench; readonly trusted: Uint8Array } {
  const trusted = rootOf({ [role]: [`${role}-1`, `${role}-2`] }, { [role]: 2 });
  return { bench: new Bench(trusted, signersOf({ [role]: signing })), trusted };
}

const both = threshold("targets", ["targets-1", "targets-2"]);
both.bench.release("v1.0.0");

const stolen = forge(one.files, { snapshot: { version: 900 }, timestamp: { version: 900_000 }, day: 0 });

/** The stolen online key replaced, starting from what the thief left. */
function recovered(files: ManifestFiles): Bench {
  const bench = new Bench();
  const state = recoverState(files, bench.trusted);
  const signers = signersOf({ online: ["online-2"] });
  const request = {
    role: "online" as const,
    next: { keys: [keyCalled("online-2")], threshold: 1 },
    compromised: true,
  };
  const { change } = rotate(state, request, { ...bench.signing, signers });
  bench.files = files;
  return bench.carryOut(change).at(0, signers).release("v1.1.0");
}

const targetsOf = (bench: Bench) => bench.state.targets?.signed.targets ?? {};
const renewed = (days: number, force = true): Bench =>
  new Bench()
    .release("v1.0.0")
    .at(days)
    .do((state, signing) => refresh(state, signing, force));
const damaged = ["1.targets.json", "1.snapshot.json", "timestamp.json"] as const;
const channel = one.names.find((name) => name.endsWith(".stable.json")) ?? "";

export const histories: readonly History[] = [
  history("a release, and the next one", first, second),
  ...damaged.map((file) =>
    history(`a byte of ${file} changed`, refused(flipped(one.files, file, 400), "FILE", file)),
  ),
  history("a byte of a channel document changed", refused(flipped(one.files, channel, 100), "FILE", channel)),
  history(
    "a file that is named is missing",
    refused(without(one.files, "1.snapshot.json"), "ABSENT", "1.snapshot.json"),
  ),
  history("a channel document is missing", refused(without(one.files, channel), "ABSENT", channel)),
  history("an expired timestamp, signed again", refused(one.files, "EXPIRED", "timestamp.json", 31), {
    files: renewed(31).files,
    day: 31,
    expected: "v1.0.0",
  }),
  history("an expired root", refused(renewed(364).files, "EXPIRED", "1.root.json", 366)),
  history("an older timestamp than before", second, refused(one.files, "ROLLBACK", "timestamp.json")),
  history(
    "a newer timestamp that names an older snapshot",
    second,
    refused(
      forge(two.files, { snapshot: { version: 1 }, timestamp: { version: 9 }, day: 0 }),
      "ROLLBACK",
      "timestamp.json",
    ),
  ),
  history(
    "a newer snapshot that names older targets",
    second,
    refused(
      forge(two.files, { snapshot: { version: 9 }, timestamp: { version: 9 }, day: 0 }),
      "ROLLBACK",
      "9.snapshot.json",
    ),
  ),
  history(
    "a snapshot of another day in the place of its version",
    refused(
      new Map(one.files)
        .set("1.snapshot.json", renewed(5).files.get("1.snapshot.json") ?? new Uint8Array())
        .set(
          "timestamp.json",
          forge(one.files, { snapshot: { version: 1 }, timestamp: { version: 1 }, day: 5 }).get(
            "timestamp.json",
          ) ?? new Uint8Array(),
        ),
      "FILE",
      "1.snapshot.json",
    ),
  ),
  history(
    "targets signed by the online key",
    refused(
      forge(one.files, {
        targets: { version: 1, content: targetsOf(one), keys: ["online-1"] },
        snapshot: { version: 1 },
        timestamp: { version: 1 },
        day: 0,
      }),
      "FILE",
      "1.targets.json",
    ),
  ),
  history(
    "a snapshot signed by the targets key",
    refused(
      forge(one.files, { snapshot: { version: 1, keys: ["targets-1"] }, timestamp: { version: 1 }, day: 0 }),
      "FILE",
      "1.snapshot.json",
    ),
  ),
  history(
    "a timestamp signed by a stranger",
    refused(
      forge(one.files, { snapshot: { version: 1 }, timestamp: { version: 1, keys: ["stranger"] }, day: 0 }),
      "FILE",
      "timestamp.json",
    ),
  ),
  ...(["root", "targets", "online"] as const).flatMap((role) =>
    [1, 2].map((needed) => {
      const names = [2, 3].slice(0, needed).map((at) => `${role}-${at}`);
      const { files } = handedOver(role, names, needed);
      return history(`the ${role} key replaced, threshold ${needed}`, first, {
        files,
        day: 0,
        expected: "v1.1.0",
      });
    }),
  ),
  history(
    "the replaced targets key used again",
    refused(
      forge(handedOver("targets", ["targets-2"], 1).files, {
        targets: { version: 9, content: {}, keys: ["targets-1"] },
        snapshot: { version: 9 },
        timestamp: { version: 9 },
        day: 0,
      }),
      "FILE",
      "9.targets.json",
    ),
  ),
  history("twenty roots", first, { files: rootChain(20).files, day: 0, expected: "v1.1.0" }),
  history(
    "a byte of a root in the middle changed",
    refused(flipped(rootChain(5).files, "3.root.json", 500), "FILE", "3.root.json"),
  ),
  {
    name: "two targets signatures asked for and given",
    trusted: both.trusted,
    steps: [{ files: both.bench.files, day: 0, expected: "v1.0.0" }],
  },
  {
    name: "two targets signatures asked for, one given",
    trusted: both.trusted,
    steps: [
      refused(
        forge(both.bench.files, {
          targets: { version: 1, content: targetsOf(both.bench), keys: ["targets-2"] },
          snapshot: { version: 1 },
          timestamp: { version: 1 },
          day: 0,
        }),
        "FILE",
        "1.targets.json",
      ),
    ],
  },
  history(
    "versions run ahead by a stolen online key, which is not replaced",
    { files: stolen, day: 0, expected: "v1.0.0" },
    refused(two.files, "ROLLBACK", "timestamp.json"),
  ),
  history(
    "versions run ahead by a stolen online key, which is replaced",
    { files: stolen, day: 0, expected: "v1.0.0" },
    { files: recovered(stolen).files, day: 0, expected: "v1.1.0" },
  ),
];

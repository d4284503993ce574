import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Source } from "../../../lib/external/source.ts";
import { auditHome } from "../../../lib/manifest/audit.ts";
import { openManifest } from "../../../lib/manifest/client/open.ts";
import { pageWrites } from "../../../lib/manifest/page.ts";
import { rotate } from "../../../lib/manifest/repository/rotate.ts";
import type { ManifestFiles } from "../../../lib/manifest/repository/state.ts";
import { block } from "../../../lib/manifest/repository/targets.ts";
import { Bench, keyCalled, rootOf, START, signersOf } from "./example.ts";

/** A home with all there can be: several roots, versions and channels, two signatures where one is asked for. */
function everything(): Bench {
  const names = { targets: ["targets-1", "targets-2"], root: ["root-1", "root-2"] };
  const bench = new Bench(rootOf(names), signersOf(names)).release("v1.0.0").release("v1.1.0-rc.1");
  const signers = signersOf({ ...names, online: ["online-1", "online-2"] });
  const request = { role: "online" as const, next: { keys: [keyCalled("online-2")], threshold: 1 } };
  bench.carryOut(rotate(bench.state, request, { ...bench.signing, signers }).change);
  bench.at(0, signersOf({ ...names, online: ["online-2"] }));
  bench.do((state, signing) => block(state, { version: "1.0.0", reason: "loses its clock" }, signing));
  bench.carryOut({ lines: [], writes: pageWrites(bench.state), removes: [] });
  bench.at(0, signersOf({ targets: [], online: ["online-2"] })).release("v1.2.0");
  return bench;
}

const bench = everything();
const flippable = bench.names.filter((name) => (bench.files.get(name)?.byteLength ?? 0) > 0);
const scratch = mkdtempSync(join(tmpdir(), "manifest-flips-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const flip = (files: ManifestFiles, path: string, where: number, mask: number): ManifestFiles => {
  const content = Buffer.from(files.get(path) ?? []);
  const at = where % content.length;
  content.writeUInt8(content.readUInt8(at) ^ mask, at);
  return new Map(files).set(path, content);
};

const sourceOf = (files: ManifestFiles): Source => ({
  place: "the test",
  read: async (path) => files.get(path),
});

let runs = 0;
const open = (files: ManifestFiles) => {
  const folder = join(scratch, String(++runs));
  mkdirSync(folder, { recursive: true });
  return openManifest({ source: sourceOf(files), folder, trustedRoot: bench.trusted, now: START });
};

const refusal = async (work: () => unknown): Promise<{ code: string; message: string }> => {
  try {
    await work();
  } catch (error) {
    return error as { code: string; message: string };
  }
  return { code: "", message: "nothing was refused" };
};

const unsigned = "pending/targets.json";

describe("a byte that was changed", () => {
  it("is looked for in every kind of file", () => {
    const kinds = new Set(flippable.map((name) => name.replace(/[0-9a-f]{64}|^\d+/, "N")));
    expect([...kinds].sort()).toEqual(
      [
        "N.root.json",
        "N.snapshot.json",
        "N.targets.json",
        "index.html",
        unsigned,
        "targets/channels/N.beta.json",
        "targets/channels/N.stable.json",
        "timestamp.json",
      ].sort(),
    );
    expect(() => auditHome(bench.files, bench.trusted)).not.toThrow();
  });

  it.each(flippable.filter((name) => name !== unsigned))(
    "in %s is refused, and the message names the file",
    async (path) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(1_000_000), fc.integer({ min: 1, max: 255 }), async (where, mask) => {
          const { code, message } = await refusal(() =>
            auditHome(flip(bench.files, path, where, mask), bench.trusted),
          );
          expect(["FILE", "ROOT", "ABSENT"]).toContain(code);
          expect(message).toContain(path);
        }),
        { numRuns: 25 },
      );
    },
  );

  it("in what a reader asks for is refused by the reader, too", async () => {
    const { files: read } = await open(bench.files);
    expect(read.length).toBeGreaterThanOrEqual(7);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...read),
        fc.nat(1_000_000),
        fc.integer({ min: 1, max: 255 }),
        async (path, where, mask) => {
          const { code, message } = await refusal(() => open(flip(bench.files, path, where, mask)));
          expect(code).toBe("FILE");
          expect(message).toContain(`${path}: `);
        },
      ),
      { numRuns: 120 },
    );
  });

  it("in letters TUF does not care for is refused", async () => {
    const text = Buffer.from(bench.files.get("timestamp.json") ?? []).toString("utf8");
    const variants = [
      text.replace(/"sig":"([0-9a-f]+)"/, (_, hex: string) => `"sig":"${hex.toUpperCase()}"`),
      text.replace(/^\{/, "{ "),
      `${text}\n`,
      text.replace(/\}$/, ',"more":1}'),
    ];
    for (const variant of variants) {
      expect(variant).not.toBe(text);
      const files = new Map(bench.files).set("timestamp.json", Buffer.from(variant));
      expect(await refusal(() => open(files))).toMatchObject({
        code: "FILE",
        message: expect.stringMatching(/^timestamp\.json: /),
      });
    }
  });
});

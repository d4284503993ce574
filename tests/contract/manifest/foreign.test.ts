import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { daysOn } from "../../unit/manifest/example.ts";
import { histories } from "./histories.ts";
import { foreignPython, lay, ours, pythonTuf, type Reader } from "./readers.ts";

const scratch = mkdtempSync(join(tmpdir(), "manifest-foreign-"));
/** What python-tuf raises about a manifest; anything else would be a mistake of the test. */
const REFUSAL =
  /^(BadVersionNumber|Deserialization|DownloadHTTP|ExpiredMetadata|LengthOrHashMismatch|UnsignedMetadata)Error: /;
const found = foreignPython();
const foreign = "python" in found ? pythonTuf(found.python, scratch) : undefined;
if ("missing" in found)
  console.warn(`SKIPPED: python-tuf cannot be had here, nobody else read what we write.\n${found.missing}`);

afterAll(() => {
  foreign?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

describe("what a reader makes of a manifest", () => {
  it.runIf(process.env.CI !== undefined)("is asked of python-tuf, too", () => {
    expect(foreign).toBeDefined();
  });

  describe.each(histories)("$name", ({ name, trusted, steps }) => {
    const read = async (reader: Reader): Promise<void> => {
      const folder = join(scratch, `${histories.findIndex((one) => one.name === name)}-${reader.name}`);
      for (const { files, day, expected } of steps) {
        lay(join(folder, "manifest"), files);
        const request = {
          manifest: join(folder, "manifest"),
          memory: join(folder, "memory"),
          trusted,
          now: daysOn(day),
        };
        const reading = await reader.read(request);
        if (typeof expected === "string") expect(reading).toMatchObject({ channels: { stable: expected } });
        else if (reader === ours)
          expect(reading).toEqual({ error: expect.stringContaining(`${expected.code}: ${expected.file}: `) });
        else expect(reading).toEqual({ error: expect.stringMatching(REFUSAL) });
      }
    };

    it("to ours", () => read(ours));
    it.skipIf(foreign === undefined)("to python-tuf", () =>
      foreign === undefined ? undefined : read(foreign),
    );
  });
});

import { describe, expect, it } from "vitest";
import { ProcessError } from "../../../lib/external/process.ts";
import { describeFailure, Failure } from "../../../lib/failure.ts";
import { ImageError } from "../../../lib/image/failure.ts";
import { explainStarvation, type Scene, sayingWhatRanOut } from "../../../lib/image/starvation.ts";
import { scratchFolder } from "../external/scratch-folder.ts";

const MIB = 1024 ** 2;
const scratch = scratchFolder();
const scene: Scene = {
  folder: "/cache",
  room: { freeBytes: 9 * 1024 * MIB, freeFiles: 5_000, refuses: undefined },
  elsewhere: "PI_CACHE=/another/folder ./pi build",
  freeMemoryBytes: 700 * MIB,
  memoryKills: 0,
};
const room = (more: Partial<Scene["room"]>): Partial<Scene> => ({ room: { ...scene.room, ...more } });
const enospc = { what: "space", line: "tar: x: Cannot write: No space left on device" } as const;
const exit = (more: object) => new ProcessError("EXIT", "mke2fs ended with 1", { exitCode: 1, ...more });
const step = (cause: unknown, details: string[] = []) =>
  new ImageError("ASSEMBLE", "the image of agent could not be assembled (mke2fs)", { cause, details });
const errno = (code: string) => Object.assign(new Error(`${code}: no space left on device, write`), { code });

class Definition extends Failure<"UNKNOWN_KEY"> {
  readonly area = "definition";
}

describe("a step that failed", () => {
  it.each<[string, unknown, Partial<Scene>, string, RegExp, RegExp]>([
    [
      "on a full disk",
      step(exit({ exhaustion: enospc })),
      room({ freeBytes: 12_288 }),
      "NO_SPACE",
      /^no space left in \/cache: 12 KiB free$/,
      /\.\/pi clean.*PI_CACHE=\/another\/folder \.\/pi build$/,
    ],
    [
      "on a full disk, and the tool tidied up",
      step(exit({ exhaustion: enospc })),
      {},
      "NO_SPACE",
      /^no space left in \/cache, or in a place the step wrote to \(9 GiB free there again\)$/,
      /pi clean/,
    ],
    [
      "on a full disk, without a word",
      step(exit({})),
      room({ freeBytes: 0 }),
      "NO_SPACE",
      /0 B free$/,
      /clean/,
    ],
    ["for want of inodes", step(exit({})), room({ freeFiles: 0 }), "NO_SPACE", /no inode is free/, /clean/],
    ["writing a file itself", errno("ENOSPC"), room({ freeBytes: 0 }), "NO_SPACE", /0 B free$/, /clean/],
    [
      "and says so among other lines",
      step(undefined, ["a", "E: Write error - write (28: No space left on device)", "b"]),
      room({ freeBytes: 2 * MIB }),
      "NO_SPACE",
      /2 MiB free$/,
      /clean/,
    ],
    [
      "on a disk that is read-only",
      step(exit({})),
      room({ refuses: "EROFS" }),
      "READ_ONLY",
      /read-only/,
      /PI_CACHE/,
    ],
    [
      "and was ended by Linux",
      step(exit({ exitCode: 137 })),
      { memoryKills: 1 },
      "NO_MEMORY",
      /^killed: out of memory \(700 MiB free now, 1 GiB needed\)$/,
      /memory or swap/,
    ],
    [
      "and was ended by somebody",
      step(new ProcessError("EXIT", "zstd was killed by SIGKILL", { exitCode: -1, signal: "SIGKILL" })),
      {},
      "NO_MEMORY",
      /^killed from outside, as Linux does when it is out of memory/,
      /dmesg/,
    ],
    [
      "for want of memory",
      step(exit({ exhaustion: { what: "memory", line: "zstd: not enough memory" } })),
      {},
      "NO_MEMORY",
      /^out of memory \(/,
      /close other programs/,
    ],
  ])("%s is told as that", (_name, error, more, code, message, fix) => {
    const told = explainStarvation(error, { ...scene, ...more });
    expect(told).toMatchObject({ code, cause: error });
    expect(told?.message).toMatch(message);
    expect(told?.fix).toMatch(fix);
  });

  it("keeps which step it was, and the tool's own words", () => {
    const told = explainStarvation(step(exit({ exhaustion: enospc })), scene);
    expect(told).toBeDefined();
    expect(describeFailure(told)).toEqual([
      "no space left in /cache, or in a place the step wrote to (9 GiB free there again)",
      `  ${enospc.line}`,
      expect.stringContaining("  fix: free some there"),
      "  cause: the image of agent could not be assembled (mke2fs)",
    ]);
  });

  it.each<[string, unknown, Partial<Scene>]>([
    ["for another reason", step(exit({})), {}],
    ["for another reason while Linux ended somebody else", step(exit({})), { memoryKills: 1 }],
    ["writing where a tool may not", step(exit({ exhaustion: { what: "read-only", line: "x" } })), {}],
    [
      "because it was stopped",
      new ProcessError("INTERRUPTED", "tar was interrupted"),
      room({ freeBytes: 0 }),
    ],
    ["over the definition", new Definition("UNKNOWN_KEY", "unknown key"), room({ freeBytes: 0 })],
    ["in preflight", new ImageError("PREFLIGHT", "free disk"), room({ freeBytes: 0 })],
    ["and was explained before", new ImageError("NO_SPACE", "no space left in /out"), room({ freeBytes: 0 })],
  ])("%s is left as it is", (_name, error, more) => {
    expect(explainStarvation(error, { ...scene, ...more })).toBeUndefined();
  });
});

describe("work on this machine", () => {
  it("passes what it gives and, of other errors, what it throws", async () => {
    expect(await sayingWhatRanOut(scratch.path, "", async () => 7)).toBe(7);
    const broken = new Error("broken");
    await expect(sayingWhatRanOut(scratch.path, "", () => Promise.reject(broken))).rejects.toBe(broken);
  });

  it("says what ran out, of a folder that is not there yet too", async () => {
    const folder = scratch.join("not/yet");
    const work = sayingWhatRanOut(folder, "elsewhere", () => Promise.reject(errno("ENOSPC")));
    await expect(work).rejects.toMatchObject({ code: "NO_SPACE", message: expect.stringContaining(folder) });
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InstallScene } from "./install-scene.ts";

let scene: InstallScene;
beforeEach(async () => {
  scene = await new InstallScene().start();
});
afterEach(() => scene.stop());
const marked = () => scene.rauc.calls.filter((call) => call.startsWith("Mark"));

describe("a slot that RAUC has written", () => {
  it("is installed once it reads back as it should", async () => {
    expect(await scene.run()).toMatchObject({ streamed: true });
    expect((await scene.state()).trial).toMatchObject({ phase: "installed" });
    expect(marked()).toEqual([]);
  });

  it("is marked bad where the card cannot read it", async () => {
    // The kernel answers a read of its first byte with EIO, as a worn card does.
    scene.rauc.device = "/proc/self/mem";
    await expect(scene.run()).rejects.toMatchObject({
      code: "READ_BACK",
      message: expect.stringContaining("/proc/self/mem cannot be read back"),
      cause: { code: "EIO" },
    });
    expect(marked()).toEqual(["Mark bad other"]);
    expect((await scene.state()).trial).toMatchObject({ phase: "installing" });
  });

  it("is marked bad where RAUC no longer says which it is", async () => {
    scene.rauc.silent.add("GetSlotStatus");
    await expect(scene.run()).rejects.toMatchObject({ code: "READ_BACK", cause: expect.anything() });
    expect(marked()).toEqual(["Mark bad other"]);
  });

  it("is told of also where it cannot be marked", async () => {
    scene.rauc.device = "/proc/self/mem";
    scene.rauc.silent.add("Mark");
    await expect(scene.run()).rejects.toMatchObject({
      code: "READ_BACK",
      details: [expect.stringContaining("could not be marked bad: Mark: no answer")],
    });
  });
});

describe("a stream that cannot begin", () => {
  const listening = () => process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;

  it("leaves no proxy behind, and counts as a failed one", async () => {
    const before = listening();
    scene.udevHolds = false;
    await expect(scene.run()).rejects.toMatchObject({ message: "udev's queue could not be held" });
    expect(listening()).toBe(before);
    expect((await scene.state()).streams).toEqual({ serial: 6, failed: 1 });
    expect(scene.rauc.calls.filter((call) => call.startsWith("InstallBundle"))).toEqual([]);
  });
});

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { placesOf } from "../../../updater/places.ts";
import { channelProblem } from "../../../updater/trial/channel.ts";
import { Bench, rootOf, signersOf } from "../../unit/manifest/example.ts";
import { Scene } from "./scene.ts";

let scene: Scene;
afterEach(() => scene.stop());

const problem = () => channelProblem({ places: placesOf(scene.root) });

describe("whether a new build could be replaced by the next one", () => {
  beforeEach(async () => {
    scene = await new Scene().start();
  });

  it("is tried with its own settings and root, and leaves nothing behind", async () => {
    expect(await problem()).toBeUndefined();
    expect(readdirSync(join(scene.root, "run/home-pi"))).toEqual(["data.json"]);
    expect(scene.asked).toContain("manifest/timestamp.json");
  });

  it.each<readonly [string, () => void, RegExp, boolean]>([
    [
      "its settings are torn",
      () => scene.put("etc/home-pi/update.json", '{"channel":'),
      /update\.json: is not what it should be/,
      false,
    ],
    [
      "it has no settings",
      () => rmSync(join(scene.root, "etc/home-pi/update.json")),
      /update\.json: is missing/,
      false,
    ],
    [
      "it names no address",
      () => scene.put("etc/home-pi/update.json", scene.config({ address: undefined })),
      /without an address/,
      false,
    ],
    [
      "its address answers with 404",
      () => scene.put("etc/home-pi/update.json", scene.config({ address: `${scene.address}elsewhere/` })),
      /timestamp\.json: is not in http/,
      true,
    ],
    [
      "nobody answers at its address",
      () => scene.put("etc/home-pi/update.json", scene.config({ address: "http://127.0.0.1:9/manifest/" })),
      /127\.0\.0\.1:9/,
      true,
    ],
    [
      "it carries no root",
      () => rmSync(join(scene.root, "usr/share/home-pi/root.json")),
      /root\.json: is mis/,
      false,
    ],
    [
      "it trusts somebody else",
      () => {
        const names = { root: ["another-1"], targets: ["another-2"], online: ["another-3"] };
        const other = new Bench(rootOf(names), signersOf(names));
        scene.put("usr/share/home-pi/root.json", Buffer.from(other.trusted).toString("utf8"));
      },
      /sign/i,
      true,
    ],
  ])("%s: it could not", async (_, breakIt, why, heals) => {
    breakIt();
    expect(await problem()).toEqual({ reason: expect.stringMatching(why), heals });
  });

  it("is not in question where the manifest has run out since", async () => {
    scene.stop();
    scene = await new Scene(new Date("2020-01-01T00:00:00Z")).start();
    expect(await problem()).toBeUndefined();
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../../updater/config.ts";
import { placesOf } from "../../../updater/places.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "config-"));
});
afterEach(() => rm(root, { recursive: true }));

async function addressWith(
  named: string | undefined,
  identity: string | undefined,
): Promise<string | undefined> {
  const places = placesOf(root);
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  await write(places.config, JSON.stringify({ channel: "stable", mode: "auto", address: named }));
  if (identity !== undefined) await write(places.identity, identity);
  return (await readConfig(places)).address;
}

const IMAGE = "https://me.github.io/cluster";
const OWN = '{"present": true, "keys": 1, "problems": [], "updateAddress": "http://10.0.2.2:8080/manifest/"}';

describe("where a node looks for releases", () => {
  it.each([
    ["where the image says", IMAGE, undefined, `${IMAGE}/`],
    ["where its identity says, before that", IMAGE, OWN, "http://10.0.2.2:8080/manifest/"],
    ["where its identity says, and the image nothing", undefined, OWN, "http://10.0.2.2:8080/manifest/"],
    ["nowhere", undefined, undefined, undefined],
    ["where the image says, for an identity without one", IMAGE, '{"present": true}', `${IMAGE}/`],
    ["where the image says, for one that cannot be read", IMAGE, '{"updateAddress": 7', `${IMAGE}/`],
    ["where the image says, for what is no address", IMAGE, '{"updateAddress": "file:///x"}', `${IMAGE}/`],
  ])("%s", async (_, named, identity, expected) => {
    expect(await addressWith(named, identity)).toBe(expected);
  });
});

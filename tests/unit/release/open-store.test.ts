import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { realWorld } from "../../../lib/external/world.ts";
import { ReleaseError } from "../../../lib/release/failure.ts";
import { openStore, parseStore } from "../../../lib/release/open-store.ts";

const world = realWorld(new AbortController().signal);
const github = { kind: "github", owner: "someone", repo: "cluster" } as const;

describe("--store", () => {
  it.each([
    ["github:someone/cluster", github],
    ["github:some-one/a.b_c", { kind: "github", owner: "some-one", repo: "a.b_c" }],
    ["/srv/releases", { kind: "local", folder: "/srv/releases" }],
    ["releases", { kind: "local", folder: resolve("releases") }],
    ["./github", { kind: "local", folder: resolve("github") }],
  ])("%s", (text, name) => {
    expect(parseStore(text)).toEqual(name);
  });

  it.each([
    "",
    "github:",
    "github:a",
    "github:a/b/c",
    "github:a/..",
    "github:a b/c",
    "https://github.com/a/b",
  ])("refuses %j", (text) => {
    expect(() => parseStore(text)).toThrow(ReleaseError);
    expect(() => parseStore(text)).toThrow("is no store");
  });
});

describe("a store", () => {
  it("on GitHub needs a token, and says where from", () => {
    for (const env of [{}, { GITHUB_TOKEN: "" }, { GITHUB_TOKEN: " " }]) {
      expect(() => openStore(github, { env }, world)).toThrow("no token for github.com/someone/cluster");
    }
  });

  it("says where its files are got", () => {
    const env = { GITHUB_TOKEN: "t", GITHUB_SERVER_URL: "https://git.example/" };
    const url = (name: Parameters<typeof openStore>[0]) =>
      openStore(name, { env }, world).urlOf("v1.0.0", "a");
    expect(url(github)).toBe("https://git.example/someone/cluster/releases/download/v1.0.0/a");
    expect(url({ kind: "local", folder: "/srv" })).toBe("releases/v1.0.0/a");
  });
});

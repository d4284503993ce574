import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { exists } from "../../../lib/external/files.ts";
import { processes } from "../../../lib/external/process.ts";
import { anchorsIn, codeIn, linksIn, readPages, root, withoutCode } from "./markdown.ts";

const pages = await readPages();
const page = (path: string): string => pages.find((candidate) => candidate.path === path)?.text ?? "";

async function helpOf(...words: readonly string[]): Promise<string> {
  const argv = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(root, "cli", "main.ts"),
  ] as const;
  const result = await processes.run({ argv: [...argv, ...words, "--help"], timeoutMs: 30_000 });
  return result.stdout;
}

/** Names under "Commands:" of a help text; descriptions that wrap stand further to the right. */
function commandsIn(help: string): string[] {
  const list = help.split(/^Commands:$/m)[1] ?? "";
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map((match) => match[1] ?? "");
}

describe("the pages", () => {
  test("are there", () => {
    const paths = pages.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
        "actions/build-image/README.md",
        "docs/disk-contract.md",
        "docs/reality.md",
      ]),
    );
    expect(paths.some((path) => path.includes("node_modules"))).toBe(false);
  });

  test("have no place left that waits for a figure", () => {
    const open = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/@@[A-Z0-9_]+@@/g)].map((match) => `${path}: ${match[0]}`),
    );
    expect(open).toEqual([]);
  });

  test("link to files and headings that exist", async () => {
    const broken: string[] = [];
    let local = 0;
    for (const { path, text } of pages) {
      for (const link of linksIn(text).filter((target) => !/^[a-z]+:/.test(target))) {
        local += 1;
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? path : relative(root, join(root, dirname(path), file));
        const there = await exists(join(root, target));
        const known = anchor === undefined || anchorsIn(page(target)).includes(anchor);
        if (!there || !known) broken.push(`${path}: ${link}`);
      }
    }
    expect(local).toBeGreaterThan(30);
    expect(broken).toEqual([]);
  });

  test("link to the web over https only", () => {
    const plain = pages.flatMap(({ path, text }) =>
      linksIn(text)
        .filter((link) => link.startsWith("http:"))
        .map((link) => `${path}: ${link}`),
    );
    expect(plain).toEqual([]);
  });

  test("are written without emoji", () => {
    const shown = pages.filter(({ text }) => /\p{Extended_Pictographic}/u.test(withoutCode(text)));
    expect(shown.map(({ path }) => path)).toEqual([]);
  });
});

describe("commands the README and its neighbours name", async () => {
  const main = await helpOf();
  const commands = commandsIn(main).filter((name) => name !== "help");
  const helps = new Map(await Promise.all(commands.map(async (name) => [name, await helpOf(name)] as const)));
  const sources = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/reality.md"];
  const uses = sources.flatMap((path) =>
    codeIn(page(path)).flatMap((code) =>
      [...code.matchAll(/(?:^|\s)\.\/pi((?: +[^\s>|;#]+)*)/g)].map((match) => ({
        path,
        words: (match[1] ?? "").trim().split(/ +/),
      })),
    ),
  );

  test("are found", () => {
    expect(commands).toEqual(
      expect.arrayContaining(["plan", "build", "boot", "identity", "doctor", "clean", "test"]),
    );
    expect(uses.length).toBeGreaterThan(20);
  });

  test("exist, with the options shown", () => {
    const wrong = uses.flatMap(({ path, words }) => {
      const [name = "", second = ""] = words;
      if (name === "" || name === "COMMAND") return [];
      const help = helps.get(name);
      if (help === undefined) return [`${path}: ./pi ${name}`];
      const inner = commandsIn(help);
      const unknown = words.filter((word) => word.startsWith("--") && !help.includes(word));
      if (inner.length > 0 && !inner.includes(second)) unknown.push(second);
      return unknown.map((word) => `${path}: ./pi ${name} ... ${word}`);
    });
    expect(wrong).toEqual([]);
  });

  test("are all described in the README", () => {
    const named = new Set(uses.filter(({ path }) => path === "README.md").map(({ words }) => words[0]));
    expect(commands.filter((name) => !named.has(name))).toEqual([]);
  });
});

describe("the table of symptoms", async () => {
  const section =
    page("README.md")
      .split(/^## Troubleshooting$/m)[1]
      ?.split(/^## /m)[0] ?? "";
  const symptoms = [...section.matchAll(/^\| ((?:on the Pi: )?`([^`]+)`)/gm)].map((match) => match[2] ?? "");
  const paths = globSync("{cli,lib,boards,ansible}/**/*", { cwd: root, withFileTypes: true });
  const files = paths.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const source = (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n");
  /** What other programs and the reader's network say. */
  const others = ["REMOTE HOST IDENTIFICATION HAS CHANGED", "pi-2.local"];

  test("quotes what this project really says", () => {
    const own = symptoms.filter((symptom) => !others.includes(symptom));
    expect(own.length).toBeGreaterThan(10);
    const unsaid = own.filter((symptom) => symptom.split(" ... ").some((part) => !source.includes(part)));
    expect(unsaid).toEqual([]);
  });
});

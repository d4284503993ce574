import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { read, repository, shellScripts, sources } from "./sources.ts";
import { unbalanced } from "./u-boot-script.ts";

describe("shell scripts", () => {
  it("are all found", () => {
    expect(shellScripts).toEqual(
      expect.arrayContaining([
        "pi",
        "lib/image/tools/enter.sh",
        "boards/rpi-arm64/initramfs-tools/hooks/home-pi",
        "boards/rpi-arm64/initramfs-tools/scripts/local-bottom/home-pi",
      ]),
    );
    expect(shellScripts.length).toBeGreaterThanOrEqual(19);
  });

  it.each(shellScripts)("%s parses", (path) => {
    const { status, stderr } = spawnSync("sh", ["-n", join(repository, path)], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("that somebody calls by name may be run", () => {
    const called = shellScripts.filter(
      (path) => path === "pi" || /initramfs-tools|rootfs\/usr\/lib/.test(path),
    );
    for (const path of called)
      expect(() => accessSync(join(repository, path), constants.X_OK), path).not.toThrow();
  });

  const shellcheck = spawnSync("shellcheck", ["--version"]).status === 0;
  it.skipIf(!shellcheck)("have nothing that shellcheck (Debian's package) warns of", () => {
    const { stdout } = spawnSync(
      "shellcheck",
      ["--format=gcc", "--severity=info", "--external-sources", ...shellScripts],
      {
        cwd: repository,
        encoding: "utf8",
      },
    );
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((line) => line !== ""),
    ).toEqual([]);
  });
});

describe("U-Boot scripts", () => {
  const scripts = sources.filter((path) => /\.cmd(\.j2)?$/.test(path));

  it("are found: that of the card, and that of the slot", () => {
    expect(scripts.map((path) => path.split("/").at(-1))).toEqual(
      expect.arrayContaining(["boot.cmd", "slot.cmd.j2"]),
    );
  });

  it.each(scripts)("%s closes what it opens", (path) => {
    expect(unbalanced(read(path))).toEqual([]);
  });

  it.each([...scripts, "boards/rpi-arm64/boot/uboot.env.txt"])(
    "%s has no loop, which Ctrl-C would end",
    (path) => {
      // On an open serial line U-Boot reads anything, and it skips every loop once that was Ctrl-C.
      // Jinja's own loops are unrolled when the image is made.
      const commands = read(path)
        .replace(/\{%.*?%\}/g, "")
        .replace(/^\s*(#|echo).*$/gm, "");
      expect(commands).not.toMatch(/(^|[;=\s])(for|while|until)\s/);
    },
  );

  it.each(scripts)("%s would be refused without any one of its closing words", (path) => {
    const text = read(path);
    const words = [...text.matchAll(/(?<=^|[;\s])(fi|done|then|do)(?=$|[;\s])/gm)].filter(
      ({ index }) => !/#|echo/.test(text.slice(text.lastIndexOf("\n", index) + 1, index)),
    );
    expect(words.length).toBeGreaterThan(10);
    for (const { index, 0: word } of words) {
      const without = text.slice(0, index) + text.slice(index + word.length);
      expect(unbalanced(without), `${word} at ${index}`).not.toEqual([]);
    }
  });

  it.each([
    ["if test a = b; then echo fi; fi", []],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: U-Boot's own variables, in U-Boot's own text.
    ["for x in a done; do echo ${x}; done", []],
    ["if a; then b; else if c; then d; fi; fi", []],
    ["setenv if then # fi", []],
    ['echo "if; then"', []],
    ["if a; then b", ["line 1: if is never closed"]],
    ["if a\nb; fi", ["line 2: fi without then"]],
    ["for x in a; do b; fi", ["line 1: fi closes nothing", "line 1: for is never closed"]],
    ["then a; fi", ["line 1: then stands in no such block", "line 1: fi closes nothing"]],
  ])("are judged: %s", (script, problems) => {
    expect(unbalanced(script)).toEqual(problems);
  });
});

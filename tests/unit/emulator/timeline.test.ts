import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConsoleText } from "../../../lib/emulator/console-text.ts";
import { formatReport } from "../../../lib/emulator/report.ts";
import { fatalIn, Timeline } from "../../../lib/emulator/timeline.ts";
import { sampleReport } from "./sample-report.ts";

/** Follows a text as a console would, 100 bytes at a time, one second each. */
function follow(text: string): Timeline {
  const timeline = new Timeline();
  let at = 0;
  const lines = new ConsoleText((line) => timeline.line(line, at));
  const bytes = new TextEncoder().encode(text);
  for (let start = 0; start < bytes.length; start += 100) {
    at += 1_000;
    lines.push(bytes.subarray(start, start + 100));
    timeline.unfinished(lines.pending, at);
  }
  lines.end();
  return timeline;
}

const file = join(import.meta.dirname, "fixtures", "raspi3b-boot.txt");
/** With the line ends of a serial line, which no version control system keeps. */
const boot = readFileSync(file, "utf8").replaceAll(/\r?\n/g, "\r\n");

describe("Timeline", () => {
  it("sees the stages of a boot on raspi3b in order, the prompt without a newline included", () => {
    const { timings, starts, stage } = follow(boot);
    expect(starts).toBe(1);
    expect(stage).toBe("login");
    expect(timings.firmwareMs).toBeLessThan(timings.kernelMs ?? 0);
    expect(timings.kernelMs).toBeLessThan(timings.loginMs ?? 0);
    expect(timings.reportMs).toBeUndefined();
  });

  it("counts a machine that resets by itself", () => {
    expect(follow(`${boot}\r\n${boot}\r\n${boot}`).starts).toBe(3);
  });

  it("takes the first report that is whole, after torn ones", () => {
    const line = formatReport(JSON.stringify(sampleReport()));
    const torn = `${line.slice(0, 300)}[  140.1] random: crng init done\r\n${line.slice(300)}`;
    const timeline = follow(`${boot}\r\n${torn}\r\n\n${line}\r\n\n${line}\r\n`);
    expect(timeline.damagedReports).toBe(1);
    expect(timeline.report).toEqual(sampleReport());
    expect(timeline.stage).toBe("report");
  });

  it("sees nothing fatal in a good boot", () => {
    const fatal = boot.split("\n").map((line) => fatalIn(line.trimEnd()));
    expect(fatal.filter((found) => found !== undefined)).toEqual([]);
  });
});

describe("fatalIn", () => {
  it.each([
    ["[    4.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", "PANIC"],
    ["[    9.2] Internal error: Oops: 0000000096000004 [#1] SMP", "PANIC"],
    ['You are in emergency mode. After logging in, type "journalctl -xb"', "EMERGENCY"],
    ["(initramfs) ", "EMERGENCY"],
    ["Give root password for maintenance", "EMERGENCY"],
  ])("%j is %s", (line, code) => expect(fatalIn(line)?.code).toBe(code));

  it.each([
    "Begin: Running /scripts/local-bottom ... done.",
    "Kernel command line: panic=10 oops=panic",
    "update-initramfs: Generating /boot/initrd.img (initramfs) ...",
  ])("%j is not fatal", (line) => expect(fatalIn(line, true)).toBeUndefined());

  it.each(["U-Boot> ", "=> "])("a line that stays %j is U-Boot's prompt", (line) => {
    expect(fatalIn(line, true)?.code).toBe("BOOTLOADER");
    expect(fatalIn(line)).toBeUndefined();
  });
});

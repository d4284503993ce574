import { join } from "node:path";
import { openLogFile } from "../external/log-file.ts";
import { shortParent, withScratch } from "../external/scratch.ts";
import { freePort } from "../external/socket.ts";
import type { World } from "../external/world.ts";
import type { ToolsTree } from "../image/tools/tree.ts";
import type { Step } from "../progress/reporter.ts";
import { waitForReport } from "./await-report.ts";
import { type Check, checkCard, checkCourse, checkReport, type ExpectedBuild } from "./checks.ts";
import { type Bench, type Disk, digestOfSlotA, listP1, readBootStates } from "./disk.ts";
import { CARD_BYTES, machineLimits } from "./limits.ts";
import type { MachineName } from "./machine.ts";
import { PoweredMachine } from "./power.ts";
import { type Prepared, prepare } from "./prepare.ts";
import type { Report } from "./report.ts";
import { makeKey, probeSsh, type SshKey, throwAwayIdentity } from "./ssh.ts";
import type { Timings } from "./timeline.ts";

export interface Identity {
  /** Text of identity.yaml. */
  readonly text: string;
  /** How many ssh keys it names. */
  readonly keys: number;
}

/**
 * Who tries to log in after the last boot. `throw-away`: a key made for this run, whose identity replaces
 * any other; `nobody`: no identity, and every key and password must be refused.
 */
export type SshProbe = "throw-away" | "nobody";

export interface BootOptions {
  readonly machine: MachineName;
  /** Path of an .img or .img.zst; it is only read. */
  readonly image: string;
  readonly expected: ExpectedBuild;
  /** Put on p1 of the copy before the first boot. */
  readonly identity?: Identity;
  /** Boots of the same card, the power cut in between. At least 1. */
  readonly boots: number;
  readonly ssh?: SshProbe;
  /** Folder that holds the working copy, about the size of the unpacked image. */
  readonly scratch: string;
  readonly consoleLog: string;
}

export interface BootRun {
  readonly report: Report;
  readonly timings: Timings;
  /** Times the machine started, 1 where it did not reset by itself. */
  readonly starts: number;
}

/** What `./pi boot --json` writes. */
export interface BootResult {
  readonly version: 1;
  readonly ok: boolean;
  readonly machine: MachineName;
  readonly image: string;
  /** All checks in order; those of a later boot carry its number. */
  readonly checks: readonly Check[];
  readonly boots: readonly BootRun[];
  readonly consoleLog: string;
}

/**
 * Boots a copy of an image and judges what the node reports. A check that fails is a result; what keeps
 * the node from reporting at all is an error.
 * @throws EmulatorError with the last lines of the console; ProcessError where a tool failed.
 */
export async function bootImage(
  options: BootOptions,
  tools: ToolsTree,
  world: World,
  step: Step,
): Promise<BootResult> {
  const log = await openLogFile(options.consoleLog);
  try {
    return await withScratch(options.scratch, "boot-", (work) =>
      withScratch(shortParent(), "pi-", (socketFolder) =>
        runBoots(options, { tools, world, work }, { socketFolder, log: log.write }, step),
      ),
    );
  } finally {
    await log.close();
  }
}

interface Wiring {
  readonly socketFolder: string;
  readonly log: (text: string | Uint8Array) => void;
}

interface Probe {
  /** The key an identity names; undefined: none. */
  readonly key: SshKey | undefined;
  readonly otherKey: SshKey;
}

async function runBoots(options: BootOptions, bench: Bench, wiring: Wiring, step: Step): Promise<BootResult> {
  const probe = options.ssh === undefined ? undefined : await makeProbe(bench, options.ssh);
  const identity = identityOf(options, probe);
  step.update("copying the image");
  const prepared = await prepare(bench, { ...options, identityText: identity?.text, report: true });
  const slotBefore = await digestOfSlotA(prepared.disk);
  const checks: Check[] = [];
  const boots: BootRun[] = [];
  for (let boot = 1; boot <= options.boots; boot += 1) {
    wiring.log(`--- boot ${boot} of ${options.boots} on ${options.machine}\n`);
    const label = options.boots === 1 ? "" : `boot ${boot}: `;
    const last = boot === options.boots;
    const done = await bootOnce(
      bench,
      options.machine,
      prepared,
      wiring,
      step,
      label,
      last ? probe : undefined,
    );
    const dataBytes = CARD_BYTES - prepared.disk.data.offset;
    const keys = identity === undefined ? {} : { identityKeys: identity.keys };
    const expected = { boot, slot: "A" as const, build: options.expected, dataBytes, ...keys };
    const found = [
      ...checkReport(done.run.report, expected),
      ...checkCourse(done.run.timings, done.run.starts),
    ];
    checks.push(...[...found, ...done.checks].map((check) => ({ ...check, name: `${label}${check.name}` })));
    boots.push(done.run);
  }
  step.update("reading the card");
  const card = await cardFacts(bench, prepared.disk, slotBefore);
  checks.push(...checkCard({ ...card, identity: identity !== undefined }));
  const { machine, image, consoleLog } = options;
  return { version: 1, ok: checks.every((check) => check.ok), machine, image, checks, boots, consoleLog };
}

async function makeProbe(bench: Bench, ssh: SshProbe): Promise<Probe> {
  const otherKey = await makeKey(bench, "stranger");
  return { key: ssh === "throw-away" ? await makeKey(bench, "friend") : undefined, otherKey };
}

function identityOf(options: BootOptions, probe: Probe | undefined): Identity | undefined {
  if (probe === undefined) return options.identity;
  return probe.key === undefined ? undefined : { text: throwAwayIdentity(probe.key.publicKey), keys: 1 };
}

async function bootOnce(
  bench: Bench,
  machine: MachineName,
  prepared: Prepared,
  wiring: Wiring,
  step: Step,
  label: string,
  probe: Probe | undefined,
): Promise<{ run: BootRun; checks: Check[] }> {
  const port = probe === undefined ? undefined : await freePort();
  const { disk, dtb, firmware } = prepared;
  const powered = await PoweredMachine.on(bench, {
    ...{ machine, disk: disk.path, dtb, firmware, ...wiring, onLine: step.line },
    qmpSocket: join(wiring.socketFolder, "qmp.sock"),
    ...(port === undefined ? {} : { sshPort: port }),
  });
  try {
    const report = await waitForReport(powered, machine, (stage) => step.update(`${label}${stage}`));
    const { timings, starts } = powered.timeline;
    const run = { report, timings, starts };
    if (probe === undefined || port === undefined) return { run, checks: [] };
    step.update(`${label}logging in`);
    await powered.plugNetwork();
    const request = { port, key: probe.key?.file, otherKey: probe.otherKey.file, buildId: report.buildId };
    return { run, checks: await probeSsh(bench, request, machineLimits[machine]) };
  } finally {
    await powered.cut();
  }
}

async function cardFacts(bench: Bench, disk: Disk, slotBefore: string) {
  const states = await readBootStates(disk);
  return { states, slotBefore, slotAfter: await digestOfSlotA(disk), p1: await listP1(bench, disk) };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { ProcessError } from "../external/process.ts";
import type { Check } from "./checks.ts";
import { type Bench, runTool } from "./disk.ts";
import type { MachineLimits } from "./limits.ts";

/** Who logs in with the keys of an identity file: nodes have no other account with a shell. */
export const LOGIN_USER = "root";

export interface SshKey {
  /** Path of the private half, in the work folder. */
  readonly file: string;
  /** One line, as it stands in an identity file. */
  readonly publicKey: string;
}

/** A throw-away ed25519 key in the work folder. */
export async function makeKey(bench: Bench, name: string): Promise<SshKey> {
  const file = join(bench.work, name);
  await runTool(bench, [
    "ssh-keygen",
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-C",
    `throw-away-${name}`,
    "-f",
    file,
  ]);
  return { file, publicKey: (await readFile(`${file}.pub`, "utf8")).trim() };
}

/** identity.yaml of a node that lets this key in, and no other. */
export function throwAwayIdentity(publicKey: string): string {
  return stringify({ version: 1, hostname: "emulated-pi", ssh: [publicKey] }, { lineWidth: 0 });
}

export interface SshTarget {
  /** Port of 127.0.0.1. */
  readonly port: number;
  /** Path of the private key; undefined tries passwords instead, and has none. */
  readonly key: string | undefined;
}

/** Options that keep ssh from asking, remembering, or trying anything but what is named. */
export function sshCommand(target: SshTarget, command: string): readonly [string, ...string[]] {
  const authentication =
    target.key === undefined
      ? ["-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password,keyboard-interactive"]
      : ["-i", target.key, "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey"];
  return [
    ...(["ssh", "-F", "/dev/null", "-n", "-T"] as const),
    ...["-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=60"],
    ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"],
    ...authentication,
    ...["-p", String(target.port), `${LOGIN_USER}@127.0.0.1`, command],
  ];
}

export type SshAnswer =
  | { readonly kind: "in"; readonly output: string }
  /** `methods`: what the server would have taken instead. */
  | { readonly kind: "refused"; readonly methods: readonly string[] }
  | { readonly kind: "unreachable"; readonly reason: string };

/** What an ssh run means; 255 is ssh's own failure, every other code comes from the command on the node. */
export function readSshAnswer(exitCode: number, stdout: string, stderr: string): SshAnswer {
  if (exitCode !== 255) return { kind: "in", output: stdout };
  const methods = /Permission denied \(([^)]*)\)/.exec(stderr)?.[1];
  if (methods !== undefined)
    return { kind: "refused", methods: methods.split(",").filter((name) => name !== "") };
  return { kind: "unreachable", reason: stderr.trim().split("\n").at(-1) ?? "" };
}

const ANY_EXIT = Array.from({ length: 256 }, (_, code) => code);
const RETRY_MS = 3_000;
const COMMAND = "id -un; cat /usr/lib/home-pi/build.json";

async function ask(bench: Bench, target: SshTarget, timeoutMs: number): Promise<SshAnswer> {
  const { tools, world, work } = bench;
  const run = { binds: [{ source: work }], cwd: work, timeoutMs, signal: world.signal, accept: ANY_EXIT };
  try {
    const result = await world.processes.run(tools.command(sshCommand(target, COMMAND), run));
    return readSshAnswer(result.exitCode, result.stdout, result.stderr);
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code !== "TIMEOUT") throw error;
    return { kind: "unreachable", reason: error.message };
  }
}

/** Asks until the node's sshd answers, whatever it answers, or the time for the network is over. */
async function askUntilAnswered(bench: Bench, target: SshTarget, limits: MachineLimits): Promise<SshAnswer> {
  const { clock, signal } = bench.world;
  const until = clock.now() + limits.networkMs;
  for (;;) {
    const answer = await ask(bench, target, limits.sshMs);
    if (answer.kind !== "unreachable" || clock.now() >= until) return answer;
    await clock.sleep(RETRY_MS, signal);
  }
}

export interface ProbeRequest {
  readonly port: number;
  /** Path of the key the identity names; undefined where nobody may get in. */
  readonly key: string | undefined;
  /** Path of a key no identity names. */
  readonly otherKey: string;
  readonly buildId: string;
}

/** Tries the door: the identity's key opens it, another key does not, passwords are not even offered. */
export async function probeSsh(bench: Bench, request: ProbeRequest, limits: MachineLimits): Promise<Check[]> {
  const { port, key, otherKey, buildId } = request;
  let lost: SshAnswer | undefined;
  // A node that did not answer for minutes is not waited for again.
  const answer = async (target: SshTarget): Promise<SshAnswer> => {
    const given = lost ?? (await askUntilAnswered(bench, target, limits));
    if (given.kind === "unreachable") lost = given;
    return given;
  };
  const checks = key === undefined ? [] : [checkIn(await answer({ port, key }), buildId)];
  checks.push(checkRefused("ssh with another key", await answer({ port, key: otherKey })));
  checks.push(checkRefused("ssh with a password", await answer({ port, key: undefined })));
  return checks;
}

/** The node let us in as the user, and the build it shows there is the one that reported. */
export function checkIn(answer: SshAnswer, buildId: string): Check {
  const expected = `${LOGIN_USER}, build ${buildId.slice(0, 12)}`;
  const actual = answer.kind === "in" ? describeLogin(answer.output) : describeAnswer(answer);
  const ok = answer.kind === "in" && actual === expected && answer.output.includes(buildId);
  return { name: "ssh with the identity's key", ok, expected, actual };
}

/** Refused, and by a server that takes nothing but keys: silence proves nothing. */
export function checkRefused(name: string, answer: SshAnswer): Check {
  const expected = "refused, publickey only";
  const actual = describeAnswer(answer);
  return { name, ok: actual === expected, expected, actual };
}

function describeLogin(output: string): string {
  const [user = "", ...rest] = output.trim().split("\n");
  const build = /"buildId"\s*:\s*"([0-9a-f]*)"/.exec(rest.join("\n"))?.[1];
  return `${user.trim()}, build ${build?.slice(0, 12) ?? "unknown"}`;
}

function describeAnswer(answer: SshAnswer): string {
  if (answer.kind === "in") return "let in";
  if (answer.kind === "unreachable") return `no answer: ${answer.reason}`;
  const others = answer.methods.filter((method) => method !== "publickey");
  return others.length === 0 ? "refused, publickey only" : `refused, also takes ${others.join(", ")}`;
}

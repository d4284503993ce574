import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ProcessError, processes } from "../../../lib/external/process.ts";
import { isAlive, scratchFolder, until } from "./scratch-folder.ts";

const scratch = scratchFolder();
const timeoutMs = 10_000;
const sh = (script: string): [string, ...string[]] => ["sh", "-c", script];

/** The ProcessError a run ends with. */
async function failureOf(run: Promise<unknown>): Promise<ProcessError> {
  const error = await run.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ProcessError)) throw new Error(`no ProcessError but ${String(error)}`);
  return error;
}

/** A process that writes its own id to `file` before it goes on. */
const noted = (file: string, then: string): string =>
  `sh -c 'echo $$ >"${file}.part"; mv "${file}.part" "${file}"; ${then}'`;
const pidIn = (file: string): number => Number(readFileSync(file, "utf8"));

describe("what a program answers", () => {
  it("is given back with its exit code and both outputs", async () => {
    const result = await processes.run({ argv: sh("echo out; echo err >&2"), timeoutMs });
    expect(result).toMatchObject({ exitCode: 0, stdout: "out\n", stderr: "err\n" });
  });

  it("is an error when its exit code is none of the accepted", async () => {
    const error = await failureOf(processes.run({ argv: sh("echo why >&2; exit 3"), timeoutMs }));
    expect(error).toMatchObject({ code: "EXIT", exitCode: 3, details: ["why"] });
    expect(error.message).toMatch(/^sh ended with 3/);
  });

  it("is an answer when its exit code is accepted", async () => {
    const result = await processes.run({ argv: sh("exit 3"), timeoutMs, accept: [0, 3] });
    expect(result.exitCode).toBe(3);
  });

  it("names the signal that killed it", async () => {
    const error = await failureOf(processes.run({ argv: sh("kill -9 $$"), timeoutMs }));
    expect(error.message).toMatch(/^sh was killed by SIGKILL/);
  });

  it("tells of a kill inside it, that a shell hands on as a number", async () => {
    const error = await failureOf(processes.run({ argv: sh("sh -c 'kill -9 $$'; exit $?"), timeoutMs }));
    expect(error).toMatchObject({ exitCode: 137, message: expect.stringContaining("memory ran out") });
  });

  it("shows the end of stdout where stderr is empty, at most 40 lines", async () => {
    const error = await failureOf(processes.run({ argv: sh("seq 100; exit 1"), timeoutMs }));
    expect(error.details).toHaveLength(40);
    expect(error.details.at(-1)).toBe("100");
  });

  it("keeps the last 8 MiB of an endless output", async () => {
    const limit = 8 * 1024 * 1024;
    const argv = sh("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last");
    const { stdout } = await processes.run({ argv, timeoutMs });
    expect(stdout.length).toBeGreaterThan(limit / 2);
    expect(stdout.length).toBeLessThanOrEqual(limit);
    expect(stdout.endsWith("x\nlast\n")).toBe(true);
  });
});

describe("a program that cannot be started", () => {
  it("is named", async () => {
    const error = await failureOf(processes.run({ argv: ["no-such-program-here"], timeoutMs }));
    expect(error.code).toBe("NOT_FOUND");
    expect(error.message).toContain("no-such-program-here");
  });

  it("lets a process started beside us end at once", async () => {
    const running = processes.start({ argv: ["no-such-program-here"] }, () => undefined);
    await expect(running.exited).resolves.toBeUndefined();
    await running.stop();
  });
});

describe("input and output", () => {
  it("comes from text, also when nobody reads it", async () => {
    const { stdout } = await processes.run({ argv: ["cat"], input: "héllo", timeoutMs });
    expect(stdout).toBe("héllo");
    await processes.run({ argv: ["true"], input: "x".repeat(1_000_000), timeoutMs });
  });

  it("comes from a file and goes to a file", async () => {
    writeFileSync(scratch.join("in"), Buffer.from([0, 255, 10]));
    const result = await processes.run({
      argv: ["cat"],
      inputFile: scratch.join("in"),
      outputFile: scratch.join("out"),
      timeoutMs,
    });
    expect(result.stdout).toBe("");
    expect([...readFileSync(scratch.join("out"))]).toEqual([0, 255, 10]);
  });

  it("is empty where none is given", async () => {
    expect((await processes.run({ argv: ["cat"], timeoutMs })).stdout).toBe("");
  });

  it("arrives line by line with its stream, the last one without its newline too", async () => {
    const lines: string[] = [];
    await processes.run({
      argv: sh("echo a; echo b >&2; printf c"),
      timeoutMs,
      onLine: (line, stream) => void lines.push(`${stream} ${line}`),
    });
    expect(lines.toSorted()).toEqual(["stderr b", "stdout a", "stdout c"]);
  });
});

describe("the environment of a program", () => {
  it("is small and fixed: nothing of ours leaks", async () => {
    process.env.HOME_PI_TEST_SECRET = "hunter2";
    process.env.LC_ALL = "de_DE.UTF-8";
    try {
      const { stdout } = await processes.run({ argv: ["env"], env: { ADDED: "yes" }, timeoutMs });
      const names = stdout
        .trim()
        .split("\n")
        .map((line) => line.split("=")[0] ?? "");
      const known = /^(PATH|HOME|LANG|ADDED|PWD|SHLVL|_|(https?|no)_proxy|(HTTPS?|NO)_PROXY)$/;
      expect(names.filter((name) => !known.test(name))).toEqual([]);
      expect(names).toContain("ADDED");
      expect(stdout).toContain("LANG=C.UTF-8\n");
    } finally {
      delete process.env.HOME_PI_TEST_SECRET;
      delete process.env.LC_ALL;
    }
  });

  it("finds what lies in /usr/sbin, where an ordinary user's PATH does not look", async () => {
    const { stdout } = await processes.run({ argv: sh("echo $PATH"), timeoutMs });
    expect(stdout.trim().split(":")).toContain("/usr/sbin");
  });
});

describe("a program that takes too long", () => {
  it("ends with everything it started", async () => {
    const file = scratch.join("pid");
    const argv = sh(
      `sh -c "${noted(file, "sleep 60").replaceAll('"', '\\"').replaceAll("$$", "\\$\\$")}; true"; true`,
    );
    const error = await failureOf(processes.run({ argv, timeoutMs: 700, graceMs: 500 }));
    expect(error.code).toBe("TIMEOUT");
    expect(existsSync(file)).toBe(true);
    await until(() => !isAlive(pidIn(file)), "the child of the child lives on");
  });

  it("takes along what ignores SIGTERM and has closed our pipes", async () => {
    const file = scratch.join("pid");
    const child = noted(file, 'trap "" TERM; while :; do sleep 1; done');
    const argv = sh(`${child} </dev/null >/dev/null 2>&1 & sleep 60`);
    await failureOf(processes.run({ argv, timeoutMs: 700, graceMs: 500 }));
    await until(() => !isAlive(pidIn(file)), "a child that ignores SIGTERM lives on");
  });

  it("does not make us wait for one that left the group and holds our pipes", async () => {
    const file = scratch.join("pid");
    const started = Date.now();
    const argv = sh(`setsid ${noted(file, "sleep 20")} & sleep 60`);
    const error = await failureOf(processes.run({ argv, timeoutMs: 500, graceMs: 200 }));
    expect(error.code).toBe("TIMEOUT");
    expect(Date.now() - started).toBeLessThan(5_000);
    process.kill(pidIn(file), "SIGKILL");
  });
});

describe("a program that cannot succeed any more", () => {
  const hopelessAt = (line: string) => line === "Err:1 it";

  it("may say why, and is ended", async () => {
    const argv = sh("echo Err:1 it; sleep 0.1; echo because; exec sleep 60");
    const started = performance.now();
    const error = await failureOf(processes.run({ argv, timeoutMs, hopelessAt, graceMs: 400 }));
    expect(error).toMatchObject({ code: "EXIT", message: "sh could not succeed and was ended" });
    expect(error.details).toEqual(["Err:1 it", "because"]);
    expect(error.killed).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("is judged by its own end where that comes in time", async () => {
    const argv = sh("echo Err:1 it; exit 4");
    const error = await failureOf(processes.run({ argv, timeoutMs, hopelessAt, graceMs: 400 }));
    expect(error).toMatchObject({ exitCode: 4, message: "sh ended with 4" });
    await processes.run({ argv: sh("echo Err:1 it"), timeoutMs, hopelessAt, graceMs: 400 });
  });
});

describe("a program that ran out of something", () => {
  it("is an error that knows, though forty other lines came after", async () => {
    const argv = sh("echo 'tar: x: No space left on device'; seq 100 >&2; exit 2");
    const error = await failureOf(processes.run({ argv, timeoutMs }));
    expect(error.exhaustion).toEqual({ what: "space", line: "tar: x: No space left on device" });
    expect(error.killed).toBe(false);
  });

  it.each(["kill -9 $$", "exit 137", "sh -c 'kill -9 $$'"])("is known as killed: %s", async (script) => {
    expect((await failureOf(processes.run({ argv: sh(script), timeoutMs }))).killed).toBe(true);
  });
});

describe("an interrupted program", () => {
  it("gets SIGTERM and may tidy up", async () => {
    const controller = new AbortController();
    const file = scratch.join("tidied");
    const run = processes.run({
      argv: sh(`trap 'sleep 0.2; : >"${file}"; exit 0' TERM; echo ready; while :; do sleep 0.05; done`),
      timeoutMs,
      signal: controller.signal,
      onLine: () => controller.abort(),
    });
    expect((await failureOf(run)).code).toBe("INTERRUPTED");
    expect(existsSync(file)).toBe(true);
  });

  it("is killed when it does not listen", async () => {
    const controller = new AbortController();
    const run = processes.run({
      argv: sh("trap '' TERM; echo ready; while :; do sleep 0.1; done"),
      timeoutMs,
      graceMs: 300,
      signal: controller.signal,
      onLine: () => controller.abort(),
    });
    expect((await failureOf(run)).code).toBe("INTERRUPTED");
  });

  it("is not started at all when the signal came before", async () => {
    const file = scratch.join("started");
    const run = processes.run({ argv: ["touch", file], timeoutMs, signal: AbortSignal.abort() });
    expect((await failureOf(run)).code).toBe("INTERRUPTED");
    expect(existsSync(file)).toBe(false);
  });
});

describe("a program that runs beside us", () => {
  it("hears what is written to it and ends with its code", async () => {
    let heard = "";
    const running = processes.start({ argv: sh("read line; echo got $line; exit 4") }, (chunk) => {
      heard += chunk.toString("utf8");
    });
    running.write("hello\n");
    await expect(running.exited).resolves.toBe(4);
    expect(heard).toBe("got hello\n");
  });

  it.each(["before it was started", "while it runs"])("is stopped by a signal that came %s", async (when) => {
    const controller = new AbortController();
    if (when.startsWith("before")) controller.abort();
    const running = processes.start({ argv: ["sleep", "60"], signal: controller.signal }, () => undefined);
    controller.abort();
    await expect(running.exited).resolves.toBeUndefined();
  });

  it("is killed after its grace", async () => {
    let ready = false;
    const argv = sh("trap '' TERM; echo ready; while :; do sleep 0.1; done");
    const running = processes.start({ argv }, () => {
      ready = true;
    });
    await until(() => ready, "it did not start");
    await running.stop(200);
    expect(isAlive(running.pid ?? 0)).toBe(false);
  });
});

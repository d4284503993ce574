import { z } from "zod";
import { ProcessError, type Processes } from "../../lib/external/process.ts";
import { UpdaterError } from "../failure.ts";
import { rauc as limits } from "../limits.ts";

const SERVICE = ["de.pengutronix.rauc", "/", "de.pengutronix.rauc.Installer"] as const;
const reply = z.object({ type: z.string(), data: z.unknown() });

export type BusReply = z.infer<typeof reply>;

/** RAUC's service on the bus; root alone may call it. */
export interface Bus {
  /** `signature` and `args` as busctl takes them. Throws UpdaterError RAUC or BUSY. */
  call(method: string, signature?: string, args?: readonly string[]): Promise<BusReply | undefined>;
  properties(names: readonly string[]): Promise<readonly BusReply[]>;
}

/** One JSON value a line, as `busctl --json=short` prints them. */
export function parseReplies(text: string): readonly BusReply[] {
  try {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return lines.map((line) => reply.parse(JSON.parse(line)));
  } catch (cause) {
    throw new UpdaterError("RAUC", "the bus gave an answer that is none", { cause });
  }
}

/** The bus through busctl, whose answers can be read without a library of its own. */
export function busOf(processes: Processes): Bus {
  async function ask(verb: string, rest: readonly string[]): Promise<readonly BusReply[]> {
    const timeout = `--timeout=${Math.round(limits.callMs / 1000)}`;
    try {
      const { stdout } = await processes.run({
        argv: ["busctl", "--system", "--json=short", timeout, verb, ...SERVICE, ...rest],
        timeoutMs: limits.callMs + 5_000,
      });
      return parseReplies(stdout);
    } catch (error) {
      throw error instanceof ProcessError ? explain(error) : error;
    }
  }
  return {
    call: async (method, signature, args = []) =>
      (await ask("call", [method, ...(signature === undefined ? [] : [signature]), ...args]))[0],
    properties: (names) => ask("get-property", names),
  };
}

function explain(error: ProcessError): UpdaterError {
  const said = error.details.join(" ").trim() || error.message;
  if (/Already processing a different method/.test(said)) {
    return new UpdaterError("BUSY", "RAUC is busy with another installation", {
      fix: "wait for it to end",
      cause: error,
    });
  }
  return new UpdaterError("RAUC", `RAUC's service: ${said}`, {
    fix: "journalctl -u rauc tells more",
    cause: error,
  });
}

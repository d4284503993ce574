import { Agent, request } from "node:http";
import { messageOf } from "../failure.ts";

/** How a server answered: its status, or why there is none. */
export type Answer =
  | { readonly kind: "status"; readonly status: number; readonly ms: number }
  | { readonly kind: "silent"; readonly why: string };

/**
 * Asks a server for the head of an http address, as apt would: through `http_proxy` where that is set, but
 * for the hosts of `no_proxy`. Never rejects.
 */
export function askHead(url: string, timeoutMs: number): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve) => {
    try {
      const agent = new Agent({ proxyEnv: process.env });
      const signal = AbortSignal.timeout(timeoutMs);
      const asked = request(url, { method: "HEAD", agent, signal }, (response) => {
        response.resume();
        resolve({ kind: "status", status: response.statusCode ?? 0, ms: performance.now() - started });
        agent.destroy();
      });
      asked.on("error", (error: NodeJS.ErrnoException) => {
        const why = signal.aborted ? `no answer in ${timeoutMs / 1000} s` : (error.code ?? error.message);
        resolve({ kind: "silent", why });
      });
      asked.end();
    } catch (error) {
      // A proxy that is no address.
      resolve({ kind: "silent", why: messageOf(error) });
    }
  });
}

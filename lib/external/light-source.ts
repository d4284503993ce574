import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { whyNoAnswer } from "./no-answer.ts";
import { type Source, SourceError } from "./source.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;

export interface LightSourceOptions {
  /** For one file, redirects included, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Small files below an address, as `webSource` reads them, without fetch: what Node brings for that takes 15 MB of a
 * node that has 1 GB. From https no redirect leads to http.
 */
export function lightSource(base: string, { timeoutMs }: LightSourceOptions): Source {
  const root = base.endsWith("/") ? base : `${base}/`;
  return {
    place: root,
    read: async (path, maxBytes) => {
      const first = new URL(path, root);
      const late = AbortSignal.timeout(timeoutMs);
      let url = first;
      try {
        for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
          const answer = await get(url, maxBytes, late);
          if (answer.location === undefined) return take(answer, url);
          const next = URL.canParse(answer.location, url) ? new URL(answer.location, url) : undefined;
          if (next?.protocol !== "https:" && next?.protocol !== url.protocol) {
            throw new SourceError("UNREACHABLE", `${url.href} redirects to what is not https`);
          }
          url = next;
        }
        throw new SourceError("UNREACHABLE", `${first.href} redirects in a circle`);
      } catch (error) {
        if (error instanceof SourceError) throw error;
        const why = late.aborted ? `no answer within ${timeoutMs / 1000} s` : whyNoAnswer(error);
        // Whoever mends it has to know which of the servers it is.
        const what = url === first ? first.href : `${first.href}, which leads to ${url.host},`;
        throw new SourceError("UNREACHABLE", `${what} could not be fetched: ${why}`, {
          fix: "check the address, the network and this machine's clock, then try again",
        });
      }
    },
  };
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
}

/** Not found (404, and 403 as object stores say it) is undefined. */
function take({ status, body }: Answer, url: URL): Uint8Array | undefined {
  if (status === 200) return body;
  if (status === 404 || status === 403) return undefined;
  throw new SourceError("STATUS", `${url.href} was answered with ${status}`, { fix: "try again later" });
}

async function get(url: URL, maxBytes: number, signal: AbortSignal): Promise<Answer> {
  const secure = url.protocol === "https:";
  const agent = secure
    ? new SecureAgent({ proxyEnv: process.env })
    : new PlainAgent({ proxyEnv: process.env });
  const headers = { "cache-control": "no-cache", "accept-encoding": "identity" };
  const asked = (secure ? secureRequest : plainRequest)(url, { agent, headers, signal });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      asked.on("response", resolve);
      asked.on("error", reject);
      asked.end();
    });
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (REDIRECTS.has(status) && location !== undefined) return { status, location, body: Buffer.alloc(0) };
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        throw new SourceError("TOO_LARGE", `${url.href} is larger than ${maxBytes} bytes`, {
          fix: "it is not what it should be",
        });
      }
      parts.push(chunk);
    }
    return { status, location: undefined, body: Buffer.concat(parts) };
  } finally {
    asked.destroy();
    agent.destroy();
  }
}

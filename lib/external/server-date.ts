import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";

/**
 * What a server takes the time for (its Date header), in milliseconds since 1970; undefined where it does not
 * say, or does not answer in `timeoutMs`. Whatever its status is: one that refuses knows the time as well.
 */
export function askServerDate(url: string, timeoutMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const end = (date: number | undefined): void => {
      clearTimeout(late);
      asked?.destroy();
      resolve(date);
    };
    let asked: ClientRequest | undefined;
    const late = setTimeout(() => end(undefined), timeoutMs);
    try {
      const secure = new URL(url).protocol === "https:";
      const options = { proxyEnv: process.env };
      const agent = secure ? new SecureAgent(options) : new PlainAgent(options);
      asked = (secure ? secureRequest : plainRequest)(url, { method: "HEAD", agent });
      asked.on("response", (response: IncomingMessage) => {
        const date = Date.parse(response.headers.date ?? "");
        end(Number.isNaN(date) ? undefined : date);
      });
      asked.on("error", () => end(undefined));
      asked.end();
    } catch {
      // An address that is none.
      end(undefined);
    }
  });
}

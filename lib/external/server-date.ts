import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { whyNoAnswer } from "./no-answer.ts";

/** Milliseconds since 1970, or why there is no time, in a few words. */
export type ServerDate = { readonly time: number } | { readonly failure: string };

/**
 * What a server takes the time for (its Date header), where it says so within `timeoutMs`. Whatever its status is:
 * one that refuses knows the time as well.
 */
export function askServerDate(url: string, timeoutMs: number): Promise<ServerDate> {
  return new Promise((resolve) => {
    const end = (date: ServerDate): void => {
      clearTimeout(late);
      asked?.destroy();
      resolve(date);
    };
    const fail = (error: unknown): void => end({ failure: whyNoAnswer(error) });
    let asked: ClientRequest | undefined;
    const late = setTimeout(() => end({ failure: `nothing in ${timeoutMs / 1000} s` }), timeoutMs);
    try {
      const secure = new URL(url).protocol === "https:";
      const options = { proxyEnv: process.env };
      const agent = secure ? new SecureAgent(options) : new PlainAgent(options);
      asked = (secure ? secureRequest : plainRequest)(url, { method: "HEAD", agent });
      asked.on("response", (response: IncomingMessage) => {
        const time = Date.parse(response.headers.date ?? "");
        end(Number.isNaN(time) ? { failure: "an answer without a date" } : { time });
      });
      asked.on("error", fail);
      asked.end();
    } catch (error) {
      // An address that is none.
      fail(error);
    }
  });
}

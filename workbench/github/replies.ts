import type { ServerResponse } from "node:http";
import type { Fault } from "./faults.ts";
import type { Reply } from "./operations.ts";
import { errorRecord } from "./records.ts";

/** Writes a reply; what GitHub sends is JSON. */
export function sendReply(response: ServerResponse, { status, body, headers }: Reply): void {
  const type = body === undefined ? {} : { "content-type": "application/json; charset=utf-8" };
  response.writeHead(status, { ...type, ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

const LIMIT_TEXT = "You have exceeded a secondary rate limit. Please wait a few minutes.";

export function limitReply(fault: Extract<Fault, { readonly do: "secondary-limit" }>): Reply {
  const headers = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
  return { status: fault.status, body: errorRecord(LIMIT_TEXT), headers };
}

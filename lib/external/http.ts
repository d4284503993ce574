import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { Failure } from "../failure.ts";
import { whyNoAnswer } from "./no-answer.ts";
import { openUpload, type UploadFile } from "./upload-file.ts";

export type HttpCode =
  | "INSECURE"
  | "UNREACHABLE"
  | "RESET"
  | "STALLED"
  | "TIMEOUT"
  | "TOO_LARGE"
  | "REDIRECT"
  | "INTERRUPTED";

/** Why an exchange with a server has no answer. The server may have done what it was asked all the same. */
export class HttpError extends Failure<HttpCode> {
  readonly area = "http";
}

export interface HttpLimits {
  /** Without a byte in either direction, in milliseconds. */
  readonly stallMs: number;
  /** For the whole exchange, redirects included, in milliseconds. */
  readonly totalMs: number;
  /** Of the answer's body, in bytes. */
  readonly maxAnswerBytes: number;
}

export interface HttpRequest {
  readonly method: string;
  /** https, or http on this machine's loopback. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A file is opened anew by each call and sent with constant memory. */
  readonly body?: Uint8Array | UploadFile;
  readonly limits: HttpLimits;
  /** How many redirects are followed; 0 hands them to the caller. Credentials stay with the first host. */
  readonly redirects?: number;
  /** Takes a successful answer's body piece by piece; without it the answer carries it. */
  readonly onData?: (chunk: Buffer) => void | Promise<void>;
  /** Bytes of the body that were handed to the network. */
  readonly onSent?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty where onData took it. */
  readonly body: Buffer;
  /** The address that answered in the end. */
  readonly url: string;
}

const LOOPBACK = /^(?:localhost|\[::1\]|127(?:\.\d{1,3}){3})$/;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const CREDENTIALS = new Set(["authorization", "cookie"]);

/** An address without what may be secret in it: signed downloads have their key in the query. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function requireSecure(url: string): URL {
  const parsed = new URL(url);
  const { protocol, hostname } = parsed;
  if (protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname))) return parsed;
  throw new HttpError("INSECURE", `${shownUrl(url)} is not reached over https`, {
    fix: "use an https address",
  });
}

/** Ends an exchange that stalls, takes too long or is interrupted, and knows which of them it was. */
function watch(request: HttpRequest) {
  const ended = new AbortController();
  const abort = (code: HttpCode, why: string) => () =>
    ended.abort(new HttpError(code, `${request.method} ${shownUrl(request.url)} ${why}`));
  const { stallMs, totalMs } = request.limits;
  const stalled = setTimeout(abort("STALLED", `had no progress for ${stallMs / 1000} s`), stallMs);
  const late = setTimeout(abort("TIMEOUT", `took longer than ${totalMs / 1000} s`), totalMs);
  const interrupt = abort("INTERRUPTED", "was interrupted");
  if (request.signal?.aborted === true) interrupt();
  request.signal?.addEventListener("abort", interrupt, { once: true });
  return {
    signal: ended.signal,
    progress: () => void stalled.refresh(),
    stop: () => {
      clearTimeout(stalled);
      clearTimeout(late);
      request.signal?.removeEventListener("abort", interrupt);
    },
  };
}

type Watch = ReturnType<typeof watch>;

/**
 * One request and its answer, whatever its status; through the proxy of the environment where there is one.
 * Throws HttpError where there is no answer.
 */
export async function send(request: HttpRequest): Promise<HttpAnswer> {
  const watching = watch(request);
  try {
    let hop = request;
    for (let left = request.redirects ?? 0; ; left -= 1) {
      watching.signal.throwIfAborted();
      const answer = await exchange(hop, watching, left > 0);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined || request.redirects === undefined) {
        return answer;
      }
      if (left <= 0) throw new HttpError("REDIRECT", `${shownUrl(request.url)} redirects too often`);
      hop = redirected(hop, location);
    }
  } catch (error) {
    throw explain(error, request, watching.signal);
  } finally {
    watching.stop();
  }
}

/** Another origin gets no credentials, and only requests without a body go on. */
function redirected(request: HttpRequest, location: string): HttpRequest {
  const url = new URL(location, request.url);
  if (request.body !== undefined) {
    throw new HttpError("REDIRECT", `${shownUrl(request.url)} would send the upload elsewhere`);
  }
  const same = url.origin === new URL(request.url).origin;
  const headers = Object.entries(request.headers ?? {});
  const kept = headers.filter(([name]) => same || !CREDENTIALS.has(name.toLowerCase()));
  return { ...request, url: url.href, headers: Object.fromEntries(kept) };
}

async function exchange(request: HttpRequest, watching: Watch, follows: boolean): Promise<HttpAnswer> {
  const url = requireSecure(request.url);
  const secure = url.protocol === "https:";
  // A server asked to close would do so right after an early refusal, and what we still send would be answered
  // with a reset that takes the refusal, and its retry-after, with it.
  const proxy = LOOPBACK.test(url.hostname) ? {} : { proxyEnv: process.env };
  const options = { ...proxy, keepAlive: true };
  const agent = secure ? new SecureAgent(options) : new PlainAgent(options);
  const upload = await openUpload(request.body);
  const asked = (secure ? secureRequest : plainRequest)(url, {
    method: request.method,
    agent,
    headers: { ...request.headers, ...(upload === undefined ? {} : { "content-length": upload.bytes }) },
    signal: watching.signal,
  });
  try {
    const answered = whenAnswered(asked);
    const sent = sendBody(asked, upload?.pieces, (bytes) => {
      watching.progress();
      request.onSent?.(bytes);
    });
    sent.catch(() => undefined);
    // A server may answer, with a refusal, before it has read everything; then the rest is not sent.
    const response = await Promise.race([answered, sent.then(() => answered)]);
    const body = await receive(response, request, watching, follows);
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
    );
    return { status: response.statusCode ?? 0, headers, body, url: request.url };
  } finally {
    asked.destroy();
    agent.destroy();
    await upload?.close();
  }
}

function whenAnswered(asked: ClientRequest): Promise<IncomingMessage> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    asked.on("response", resolve);
    asked.on("error", reject);
    asked.on("close", () => reject(new Error("the connection was closed")));
  });
  answered.catch(() => undefined);
  return answered;
}

async function sendBody(
  asked: ClientRequest,
  pieces: AsyncIterable<Buffer> | undefined,
  onSent: (bytes: number) => void,
): Promise<void> {
  const gone = new Promise<never>((_, reject) => {
    asked.on("error", reject);
    asked.on("close", () => reject(new Error("the connection was closed")));
  });
  gone.catch(() => undefined);
  let bytes = 0;
  let before: Promise<unknown> = Promise.resolve();
  for await (const piece of pieces ?? []) {
    // While one piece is on its way the next one is read, but no third one: its buffer would be in use.
    await before;
    before = Promise.race([gone, write(asked, piece)]).then(() => {
      bytes += piece.length;
      onSent(bytes);
    });
    before.catch(() => undefined);
  }
  await before;
  asked.end();
}

/** Resolves when the piece is in the kernel's hands, and its buffer is free again. */
function write(asked: ClientRequest, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    asked.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}

async function receive(
  response: IncomingMessage,
  request: HttpRequest,
  watching: Watch,
  follows: boolean,
): Promise<Buffer> {
  const status = response.statusCode ?? 0;
  const streams = request.onData !== undefined && status >= 200 && status < 300;
  if (follows && REDIRECTS.has(status)) return Buffer.alloc(0);
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    watching.progress();
    bytes += chunk.byteLength;
    if (bytes > request.limits.maxAnswerBytes) {
      const most = request.limits.maxAnswerBytes;
      throw new HttpError("TOO_LARGE", `${shownUrl(request.url)} answered with more than ${most} bytes`);
    }
    if (streams) await request.onData?.(chunk);
    else kept.push(chunk);
  }
  return Buffer.concat(kept);
}

/** Says what ended an exchange; errors of callbacks are passed on. */
function explain(error: unknown, request: HttpRequest, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const where = `${request.method} ${shownUrl(request.url)}`;
  const { code, syscall } = error as NodeJS.ErrnoException;
  // Of several addresses each has an error of its own; a certificate is looked at before anything is sent.
  const refused = error instanceof AggregateError || /^ERR_(?:TLS|PROXY)|CERT|^UNABLE_TO/.test(code ?? "");
  if (syscall === "connect" || syscall === "getaddrinfo" || refused) {
    return new HttpError("UNREACHABLE", `${where} could not be reached: ${whyNoAnswer(error)}`, {
      fix: "check the network and the proxy settings",
    });
  }
  return new HttpError("RESET", `${where} broke off: ${whyNoAnswer(error)}`, { cause: error });
}

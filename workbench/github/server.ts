import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ApiDescription, apiDescription } from "./description.ts";
import { type Fault, type OperationName, takeFault } from "./faults.ts";
import { type Ask, perform, type Reply, ROUTES, type Route } from "./operations.ts";
import { errorRecord, type FakeAddresses } from "./records.ts";
import { limitReply, sendReply } from "./replies.ts";
import { emptyRepository, type FakeRepository } from "./repository.ts";
import { receiveUpload } from "./uploads.ts";

export interface FakeGithub {
  /** Of the API. */
  readonly apiUrl: string;
  readonly token: string;
  readonly repository: FakeRepository;
  /** Happen in this order, each once. */
  readonly faults: Fault[];
  /** What of the exchanges was not as GitHub describes its API, or not as a client should be. */
  readonly problems: string[];
  /** `upload image 201`: operation, what it was about, answer. */
  readonly exchanges: string[];
  /** Bytes of files received, by name; broken uploads count. */
  readonly received: Map<string, number>;
  close(): Promise<void>;
}

/** One for all fakes of a process: reading it takes longer than everything else. */
let description: ApiDescription | undefined;

const MOST_JSON_BYTES = 1024 * 1024;

/** A stateful stand-in for the part of GitHub that keeps releases, on this machine's loopback. */
export async function startGithub(repository = emptyRepository("someone", "cluster")): Promise<FakeGithub> {
  description ??= apiDescription();
  const api = await listen((request, response) => void handle(fake, request, response));
  const uploads = await listen((request, response) => void handle(fake, request, response));
  const storage = await listen((request, response) => giveFile(fake, request, response));
  const fake: FakeInternals = {
    apiUrl: api.url,
    token: "token-that-nobody-may-see",
    repository,
    addresses: { api: api.url, uploads: uploads.url, storage: storage.url },
    description,
    ...{ faults: [], problems: [], exchanges: [], received: new Map<string, number>() },
    close: async () => {
      for (const server of [api, uploads, storage]) await server.close();
    },
  };
  return fake;
}

export interface FakeInternals extends FakeGithub {
  readonly addresses: FakeAddresses;
  readonly description: ApiDescription;
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Routed {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

function routeOf(method: string, path: string): Routed | undefined {
  for (const route of ROUTES.filter((one) => one.method === method)) {
    const pattern = route.template.replace(/\{(\w+)\}/g, (_, name) =>
      name === "workflow_id"
        ? `(?<${name}>[^/]+)`
        : name === "ref"
          ? `(?<${name}>.+)`
          : name.endsWith("_id")
            ? `(?<${name}>\\d+)`
            : `(?<${name}>[^/]+)`,
    );
    const match = new RegExp(`^${pattern}$`).exec(path);
    if (match !== null) return { route, params: { ...match.groups } };
  }
  return undefined;
}

async function handle(
  fake: FakeInternals,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", fake.apiUrl);
  const method = request.method ?? "GET";
  const routed = routeOf(method, decodeURIComponent(url.pathname));
  if (routed === undefined) {
    fake.problems.push(`${method} ${url.pathname} is not in this fake`);
    response.writeHead(404).end();
    return;
  }
  const { route, params } = routed;
  checkManners(fake, request);
  const query = Object.fromEntries(url.searchParams);
  const authorization = request.headers.authorization ?? "";
  const ask = {
    path: url.pathname,
    params,
    query,
    writes: authorization.split(" ")[1] === fake.token,
    accept: request.headers.accept ?? "",
  };
  const about = aboutOf(fake, route, ask);
  const note = (reply: Reply, body: unknown): void => {
    fake.exchanges.push([route.operation, about, reply.status].filter(Boolean).join(" "));
    const exchange = { query, requestBody: body, status: reply.status, responseBody: reply.body };
    fake.problems.push(...fake.description.problems(route.method, route.template, exchange));
  };
  if (route.operation === "upload") {
    await receiveUpload(fake, { ...ask, body: undefined }, request, response, note);
    return;
  }
  const body = await readJson(request);
  const reply = answerTo(fake, route.operation, about ?? tagIn(body), { ...ask, body });
  note(reply, body);
  sendReply(response, reply);
}

function answerTo(fake: FakeInternals, operation: OperationName, name: string | undefined, ask: Ask): Reply {
  const fault = takeFault(fake.faults, operation, name);
  if (fault?.do === "secondary-limit") return limitReply(fault);
  if (fault?.do === "502") return { status: 502, body: errorRecord("Server Error") };
  if (fault?.do === "403") return { status: 403, body: errorRecord("Forbidden") };
  if (fault?.do === "404") return { status: 404, body: errorRecord("Not Found") };
  const reply = perform(operation, ask, fake);
  return fault?.do === "worked-502" ? { status: 502, body: errorRecord("Server Error") } : reply;
}

/** Which file or tag a request is about. */
function aboutOf(fake: FakeInternals, route: Route, ask: Pick<Ask, "params" | "query">): string | undefined {
  const { asset_id, release_id, tag } = ask.params;
  if (route.operation === "upload") return ask.query.name;
  if (asset_id !== undefined) {
    const assets = fake.repository.releases.flatMap((release) => release.assets);
    return assets.find(({ id }) => id === Number(asset_id))?.name;
  }
  return tag ?? fake.repository.releases.find(({ id }) => id === Number(release_id))?.tag;
}

const tagIn = (body: unknown): string | undefined =>
  typeof body === "object" && body !== null && "tag_name" in body ? String(body.tag_name) : undefined;

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MOST_JSON_BYTES) chunks.push(chunk);
  }
  return bytes === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown);
}

/** GitHub refuses requests without a user agent; a token in an address would end up in logs. */
function checkManners(fake: FakeInternals, request: IncomingMessage): void {
  if (request.headers["user-agent"] === undefined) fake.problems.push("no user-agent");
  if (request.url?.includes(fake.token) === true) fake.problems.push("the token is in an address");
}

/** The other host that downloads lead to; like the real one it refuses a request with two credentials. */
function giveFile(fake: FakeInternals, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", fake.apiUrl);
  const assets = fake.repository.releases.flatMap((release) => release.assets);
  const asset = assets.find(({ id }) => id === Number(url.pathname.slice(1)));
  if (request.headers.authorization !== undefined) {
    fake.problems.push("the token was sent to another host");
    response.writeHead(400).end();
  } else if (asset?.content === undefined || url.searchParams.get("signature") === null) {
    response.writeHead(403).end();
  } else {
    response.writeHead(200, { "content-length": asset.content.length }).end(asset.content);
  }
}

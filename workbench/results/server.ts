import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, artifactService, type FakeArtifact } from "./artifacts.ts";
import { blobStorage } from "./blobs.ts";
import { cacheService, type FakeCacheEntry } from "./caches.ts";
import { runOf, runtimeToken } from "./token.ts";

export interface FakeResults {
  readonly url: string;
  readonly artifacts: readonly FakeArtifact[];
  readonly caches: readonly FakeCacheEntry[];
  /** Whether entries of the cache can be made, as on GitHub a fork's pull request cannot. */
  readonly cacheRights: { write: boolean };
  /** What no client of GitHub's would ask. */
  readonly problems: string[];
  /** `CreateArtifact 200`, in order. */
  readonly calls: string[];
  /** What a job of the run finds in its environment. */
  environment(run: string, job?: string): Record<string, string>;
  close(): Promise<void>;
}

const PREFIX = "/twirp/github.actions.results.api.v1.";
const SIGNATURE = "signature-nobody-may-see";

/** A stateful stand-in for GitHub's results service: artifacts and caches, kept as files in `folder`. */
export async function startResults(folder: string): Promise<FakeResults> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      problems.push(String(error));
      response.destroy();
    });
  });
  // The client sends blocks one after the other on kept connections.
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const problems: string[] = [];
  const calls: string[] = [];
  const blobs = blobStorage(folder);
  const urlOf = (blob: string, name: string): string =>
    `${url}/blob/${blob}?name=${encodeURIComponent(name)}&sig=${SIGNATURE}`;
  const artifacts = artifactService(blobs, urlOf);
  const caches = cacheService(blobs, urlOf);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? "/", url);
    if (asked.pathname.startsWith("/blob/")) return transfer(request, response, asked);
    const [service = "", method = ""] = asked.pathname.replace(PREFIX, "").split("/");
    const run = runOf(request.headers.authorization);
    if (!asked.pathname.startsWith(PREFIX) || request.method !== "POST" || run === undefined) {
      problems.push(`${request.method} ${asked.pathname}, run ${run}`);
      return void response.writeHead(run === undefined ? 401 : 404).end();
    }
    const body = await jsonOf(request);
    const answer: Answer =
      service === "CacheService" ? await caches.call(method, body) : await artifacts.call(method, run, body);
    calls.push(`${method} ${answer.status}`);
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer.body));
  }

  async function transfer(request: IncomingMessage, response: ServerResponse, asked: URL): Promise<void> {
    const id = asked.pathname.slice("/blob/".length);
    if (asked.searchParams.get("sig") !== SIGNATURE || request.headers.authorization !== undefined) {
      problems.push(`${request.method} of a blob without its signature, or with a token`);
      return void response.writeHead(403).end();
    }
    if (request.method !== "PUT") {
      return blobs.give(id, request, response, asked.searchParams.get("name") ?? "artifact");
    }
    const status = await blobs.put(id, asked, request);
    response.writeHead(status, { etag: `"${id}"`, "last-modified": new Date(0).toUTCString() }).end();
  }

  return {
    url,
    artifacts: artifacts.artifacts,
    caches: caches.entries,
    cacheRights: caches.rights,
    problems,
    calls,
    environment: (run, job = "job") => ({
      ACTIONS_RESULTS_URL: `${url}/`,
      ACTIONS_RUNTIME_URL: `${url}/`,
      ACTIONS_RUNTIME_TOKEN: runtimeToken(run, job),
      ACTIONS_CACHE_SERVICE_V2: "true",
    }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
}

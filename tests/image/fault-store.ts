import { statSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import send from "send";
import { type Listening, listenOn } from "../../lib/external/listening.ts";

/** What a server of bundles does wrong; the manifest is served as it should be. */
export type BundleFault =
  | "none"
  | "no ranges"
  | "captive portal"
  | "gzip"
  | "redirect loop"
  | "403"
  | "truncated"
  | "silent"
  | "links that die";

const LINK_LIVES_MS = 5_000;
const BUNDLE = /\.raucb$/;

/** The bytes asked for, both ends included. */
function spanOf(range: string, wholeBytes: number): { readonly from: number; readonly to: number } {
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  return { from: Number(from), to: to === "" ? wholeBytes - 1 : Math.min(Number(to), wholeBytes - 1) };
}

/** A store on the loopback whose bundles can go wrong while it runs. */
export class FaultStore {
  fault: BundleFault = "none";
  /** Redirects to links that die. */
  redirected = 0;
  /** Links that were used when they were dead. */
  refused = 0;
  /** Requests that were never answered. */
  unanswered = 0;
  bundleBytes = 0;

  serve(folder: string): Promise<Listening> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://store");
      const file = (path: string): void =>
        void send(request, path, { root: folder, index: false, dotfiles: "ignore" })
          .on("error", (error: { status?: number }) => response.writeHead(error.status ?? 500).end())
          .pipe(response);
      if (!BUNDLE.test(url.pathname)) return file(url.pathname);
      response.on("close", () => {
        this.bundleBytes += Number(response.getHeader("content-length") ?? 0);
      });
      const until = url.searchParams.get("until");
      if (until !== null && Number(until) < Date.now()) {
        this.refused += 1;
        return void response.writeHead(403).end("too late");
      }
      if (until !== null || this.fault === "none") return file(url.pathname);
      const size = (): number => statSync(join(folder, url.pathname)).size;
      this.#fail(url.pathname, request.headers.range ?? "", size, response);
    });
    return listenOn(server, 0, "127.0.0.1");
  }

  #fail(path: string, range: string, sizeOf: () => number, response: ServerResponse): void {
    const answers: Record<Exclude<BundleFault, "none">, () => void> = {
      "no ranges": () => response.writeHead(200).end("x".repeat(4096)),
      "captive portal": () =>
        response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in</html>"),
      gzip: () =>
        response
          .writeHead(206, { "content-range": "bytes 0-3/4", "content-encoding": "gzip" })
          .end(gzipSync(Buffer.from("none"))),
      "redirect loop": () => response.writeHead(302, { location: path }).end(),
      403: () => response.writeHead(403).end(),
      truncated: () => {
        // All that is said of it is right.
        const wholeBytes = sizeOf();
        const { from, to } = spanOf(range, wholeBytes);
        response.writeHead(206, {
          "content-range": `bytes ${from}-${to}/${wholeBytes}`,
          "content-length": to - from + 1,
        });
        response.write(Buffer.alloc(Math.min(100, to - from)), () => response.destroy());
      },
      silent: () => {
        this.unanswered += 1;
      },
      "links that die": () => {
        this.redirected += 1;
        response.writeHead(302, { location: `${path}?until=${Date.now() + LINK_LIVES_MS}` }).end();
      },
    };
    if (this.fault !== "none") answers[this.fault]();
  }
}

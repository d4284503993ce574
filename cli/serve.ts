import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import prettyBytes from "pretty-bytes";
import type { CliContext } from "./context.ts";

interface ServeFlags {
  readonly store?: string;
  readonly port: number;
  readonly host: string;
}

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new InvalidArgumentError("a port from 0 to 65535 is expected; 0: any that is free");
}

/** The address machines of the same network reach this one by. */
function networkAddress(
  addresses: readonly { family: string; internal: boolean; address: string }[],
): string {
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

async function serve(context: CliContext, flags: ServeFlags): Promise<void> {
  const [{ serveFiles }, { networkInterfaces }, { exists }] = await Promise.all([
    import("../lib/external/file-server.ts"),
    import("node:os"),
    import("../lib/external/files.ts"),
  ]);
  const { defaultStore } = await import("./release-places.ts");
  const root = flags.store === undefined ? defaultStore(context.project) : resolve(flags.store);
  if (!(await exists(join(root, "releases")))) {
    const { ReleaseError } = await import("../lib/release/failure.ts");
    throw new ReleaseError("STORE", `there are no releases in ${root}`, { fix: "./pi release makes one" });
  }
  const server = await serveFiles({ root, host: flags.host, port: flags.port }, (request) => {
    const { method, path, status, from, bytes } = request;
    context.print(`${status} ${method} ${path}  ${prettyBytes(bytes)}  ${from}\n`);
  });
  try {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const host = flags.host === "0.0.0.0" ? networkAddress(addresses) : flags.host;
    context.print(`${root}\n  http://${host}:${server.port}/\nCtrl-C ends it\n`);
    const { signal } = context.world;
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      else signal.addEventListener("abort", () => done(), { once: true });
    });
  } finally {
    await server.close();
  }
}

export function register(program: Command, context: CliContext): void {
  program
    .command("serve")
    .description("serve a local store over HTTP, so that nodes of this network can follow it")
    .option("--store <folder>", "the store (default: store/ of the project)")
    .option("--port <n>", "the port; 0: any that is free", toPort, 8080)
    .option("--host <address>", "the address to listen on", "0.0.0.0")
    .action((flags: ServeFlags) => serve(context, flags));
}

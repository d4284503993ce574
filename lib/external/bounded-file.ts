import { open } from "node:fs/promises";

export type BoundedRead =
  | { readonly kind: "content"; readonly bytes: Uint8Array }
  | { readonly kind: "absent" | "folder" | "denied" }
  | { readonly kind: "too-large"; readonly sizeBytes: number };

const answers: Readonly<Record<string, "absent" | "folder" | "denied">> = {
  ENOENT: "absent",
  ENOTDIR: "absent",
  EISDIR: "folder",
  EACCES: "denied",
  EPERM: "denied",
};

/** Reads a whole file that a person wrote, unless it is larger than `maxBytes`. Throws on I/O errors only. */
export async function readBounded(path: string, maxBytes: number): Promise<BoundedRead> {
  try {
    const handle = await open(path, "r");
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) return { kind: "folder" };
      if (stats.size > maxBytes) return { kind: "too-large", sizeBytes: stats.size };
      return { kind: "content", bytes: await handle.readFile() };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const kind = answers[(error as NodeJS.ErrnoException).code ?? ""];
    if (kind === undefined) throw error;
    return { kind };
  }
}

import { chmod, copyFile, link } from "node:fs/promises";

/** A second name for a file nobody writes any more; across file systems a copy. It is read-only from then on. */
export async function takeOver(from: string, to: string): Promise<void> {
  await chmod(from, 0o444);
  await link(from, to).catch(() => copyFile(from, to));
}

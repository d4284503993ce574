import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { PartitionEntry } from "../emulator/partition-table.ts";
import { listTree, sha256OfFile } from "../external/files.ts";
import { ProcessError } from "../external/process.ts";
import { DiffError } from "./failure.ts";
import type { Records } from "./records.ts";
import { imageInside, runTool, type Workplace } from "./workplace.ts";

/** The files of p1, each with kind, content (SHA-256), size and time. Throws DiffError FILE_SYSTEM. */
export async function readBootPartition(place: Workplace, boot: PartitionEntry): Promise<Records> {
  const folder = join(place.work, "p1");
  const fat = `${imageInside(place)}@@${boot.offset}`;
  try {
    await runTool(place, ["mcopy", "-s", "-m", "-n", "-i", fat, "::/", folder]);
  } catch (cause) {
    if (!(cause instanceof ProcessError) || cause.code !== "EXIT") throw cause;
    throw new DiffError("FILE_SYSTEM", `p1 of ${place.name} holds no FAT file system that can be read`, {
      details: cause.details,
    });
  }
  const files = new Map<string, Readonly<Record<string, string>>>();
  for (const { path, kind } of await listTree(folder)) {
    place.world.signal.throwIfAborted();
    const at = join(folder, path);
    const { size, mtime } = await lstat(at);
    files.set(path, {
      kind,
      ...(kind === "file" ? { content: await sha256OfFile(at), size: String(size) } : {}),
      // FAT keeps two seconds, and mcopy gives folders the time of the copy.
      ...(kind === "file" ? { time: mtime.toISOString().replace(".000Z", "Z") } : {}),
    });
  }
  return files;
}

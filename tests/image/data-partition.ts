import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bench, runTool } from "../../lib/emulator/disk.ts";

// By a loop device, not at an offset of the file: e2fsck loses the offset once it has replayed a journal.
const CHECK_AND_EDIT = `
  set -eu
  loop=$(losetup --find --show --offset "$2" "$1")
  trap 'losetup --detach "$loop"' EXIT
  status=0
  e2fsck -fy "$loop" >check.log 2>&1 || status=$?
  [ "$status" -le 1 ] || { cat check.log; exit "$status"; }
  debugfs -w -f requests "$loop"`;

/**
 * Mends the data file system of a card that is switched off, as its next boot would, then runs debugfs requests
 * on it. Answers what they printed. @throws ProcessError where it cannot be mended.
 */
export async function editData(
  bench: Bench,
  image: string,
  offset: number,
  requests: readonly string[],
): Promise<string> {
  await writeFile(join(bench.work, "requests"), `${requests.join("\n")}\n`);
  const { stdout } = await runTool(bench, ["sh", "-c", CHECK_AND_EDIT, "sh", image, String(offset)]);
  return stdout;
}

/** Mends data as editData does, and reads files of it; one that is not there is an empty text. */
export async function readData(
  bench: Bench,
  image: string,
  offset: number,
  paths: readonly string[],
): Promise<string[]> {
  const files = paths.map((_, at) => join(bench.work, `data-${at}`));
  for (const file of files) await rm(file, { force: true });
  await editData(
    bench,
    image,
    offset,
    paths.map((path, at) => `dump ${path} ${files[at]}`),
  );
  return Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
}

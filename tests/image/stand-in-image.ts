import { open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BOOT_STATE_OFFSETS, encodeBootState } from "../../lib/emulator/boot-state.ts";
import { type Bench, P1_OFFSET, runTool } from "../../lib/emulator/disk.ts";
import { formatReport, type Report } from "../../lib/emulator/report.ts";

const MIB = 1024 ** 2;
const SECTOR = 512;

/** The partitions of the disk contract, in MiB: start, length, type. */
const PARTITIONS = [
  [8, 256, 0x0c],
  [520, 2048, 0x83],
  [2568, 2048, 0x83],
  [4616, 1024, 0x83],
] as const;

/** First bytes of slot A in a stand-in image; the file ends after them. */
const SLOT_BYTES = MIB;

export function partitionTable(): Buffer {
  const sector = Buffer.alloc(SECTOR);
  for (const [index, [start, length, type]] of PARTITIONS.entries()) {
    const at = 446 + index * 16;
    sector.writeUInt8(type, at + 4);
    sector.writeUInt32LE((start * MIB) / SECTOR, at + 8);
    sector.writeUInt32LE((length * MIB) / SECTOR, at + 12);
  }
  sector.writeUInt16BE(0x55aa, 510);
  return sector;
}

/**
 * An image of the right layout that holds no Linux: U-Boot runs `script` and that is the node. With it the
 * emulator is tested in seconds, and what a node says can be made wrong on purpose.
 */
export async function makeStandInImage(bench: Bench, name: string, script: string): Promise<string> {
  const image = join(bench.work, `${name}.img`);
  const fat = `${image}@@${P1_OFFSET}`;
  const handle = await open(image, "w");
  await handle.write(partitionTable(), 0, SECTOR, 0);
  const state = encodeBootState({ BOOT_ORDER: "A", BOOT_A_LEFT: "3", BOOT_B_LEFT: "0", FRESH: "0" });
  for (const offset of BOOT_STATE_OFFSETS) await handle.write(state, 0, SECTOR, offset);
  await handle.close();
  await truncate(image, PARTITIONS[1][0] * MIB + SLOT_BYTES);
  await runTool(bench, ["mformat", "-i", fat, "-T", String((256 * MIB) / SECTOR), "::"]);
  await writeFile(join(bench.work, `${name}.cmd`), script);
  const scr = join(bench.work, `${name}.scr`);
  const source = join(bench.work, `${name}.cmd`);
  await runTool(bench, ["mkimage", "-A", "arm64", "-T", "script", "-d", source, scr]);
  await runTool(bench, ["mcopy", "-i", fat, scr, "::boot.scr"]);
  return image;
}

/** A node that says what a node says, from U-Boot. */
export function nodeThatSays(report: Report): string {
  const line = formatReport(JSON.stringify(report));
  return `fdt addr \${fdtcontroladdr}
fdt get value extra /chosen home-pi,extra-args
echo "extra arguments: \${extra}"
echo "Starting kernel ..."
echo "home-pi login: "
echo '${line.replace("running", "torn")}'
echo '${line}'
while true; do sleep 1; done
`;
}

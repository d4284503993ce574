/** A device tree of a supported board. */
export interface SupportedTree {
  /** Its name on p1, as the firmware asks for it. */
  readonly onP1: string;
  /** Its name below /boot/dtbs/broadcom of a slot, as U-Boot asks for it. */
  readonly inSlot: string;
}

/** Reads a board's dtbs.txt: a name a line, a second one where U-Boot uses another than the firmware. */
export function parseSupportedTrees(text: string): SupportedTree[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [onP1 = "", inSlot = onP1] = line.split(/\s+/);
      return { onP1, inSlot };
    });
}

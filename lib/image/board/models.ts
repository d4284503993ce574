/** A Raspberry Pi an image boots on, and what its boot ROM and firmware look for on p1. */
export interface PiModel {
  /** As people say it. */
  readonly name: string;
  /** The device tree's first compatible. */
  readonly compatible: string;
  /**
   * What the firmware asks for with upstream_kernel=1: the names of upstream Linux, `bcm%d-rpi-%s.dtb` in start.elf
   * (raspberrypi.com/documentation/computers/config_txt.html, upstream_kernel).
   */
  readonly dtb: string;
  /** BCM2837 reads its first program from the card, BCM2711 has it in an EEPROM. */
  readonly soc: "bcm2837" | "bcm2711";
}

export const piModels: readonly PiModel[] = [
  { name: "3B", compatible: "raspberrypi,3-model-b", dtb: "bcm2837-rpi-3-b.dtb", soc: "bcm2837" },
  { name: "3B+", compatible: "raspberrypi,3-model-b-plus", dtb: "bcm2837-rpi-3-b-plus.dtb", soc: "bcm2837" },
  { name: "3A+", compatible: "raspberrypi,3-model-a-plus", dtb: "bcm2837-rpi-3-a-plus.dtb", soc: "bcm2837" },
  { name: "4B", compatible: "raspberrypi,4-model-b", dtb: "bcm2711-rpi-4-b.dtb", soc: "bcm2711" },
  { name: "400", compatible: "raspberrypi,400", dtb: "bcm2711-rpi-400.dtb", soc: "bcm2711" },
  {
    name: "CM4",
    compatible: "raspberrypi,4-compute-module",
    dtb: "bcm2711-rpi-cm4-io.dtb",
    soc: "bcm2711",
  },
];

/** Which build of the firmware config.txt chooses. */
export type FirmwareKind = "normal" | "cut-down";

/** The firmware's program and the file it is linked with, which have to be of the same kind. */
export function firmwareFiles(soc: PiModel["soc"], kind: FirmwareKind = "normal"): readonly [string, string] {
  // raspberrypi.com/documentation/computers/configuration.html, "boot folder contents": start4*.elf is the Pi 4's.
  const four = soc === "bcm2711" ? "4" : "";
  const suffix = kind === "normal" ? "" : four === "" ? "_cd" : "cd";
  return [`start${four}${suffix}.elf`, `fixup${four}${suffix}.dat`];
}

/** Everything a model reads from p1 before the slot, in order. */
export function filesReadBy(model: PiModel, kind: FirmwareKind = "normal"): string[] {
  return [
    // "bootcode.bin is not used on the Raspberry Pi 4, because it has been replaced by boot code in the EEPROM."
    ...(model.soc === "bcm2837" ? ["bootcode.bin"] : []),
    "config.txt",
    ...firmwareFiles(model.soc, kind),
    model.dtb,
    "u-boot.bin",
    "uboot.env",
    "boot.scr",
    "boot2.scr",
  ];
}

import { type DeviceNode, strings } from "./device-tree.ts";

/** A device that leads to what is needed, by its node in the device tree. */
export interface Controller {
  readonly compatible: string;
  /** A node this is not true of leads elsewhere. */
  readonly when?: (node: DeviceNode) => boolean;
  /** What the kernel finds behind it, as modalias: no device tree names it. */
  readonly behind: readonly string[];
}

/** Something a node cannot start without. Every device tree of the board has one of the controllers, enabled. */
export interface Need {
  /** For messages: "the SD card". */
  readonly use: string;
  readonly controllers: readonly Controller[];
}

/** What the kernel of a board must be able to do before the root file system is there. */
export interface BoardFacts {
  readonly needs: readonly Need[];
  /** Modules no device asks for, and what for. */
  readonly modules: Readonly<Record<string, string>>;
}

const USB_DISK = [
  // usb-storage, its quicker successor UAS, and the SCSI disk both make of a stick.
  "usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip50in00",
  "usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip62in00",
  "scsi:t-0x00",
];
/** VIA VL805, the xHCI on a Pi 4: class 0c, subclass 03, interface 30. */
const VL805 = "pci:v00001106d00003483sv00001106sd00003483bc0Csc03i30";
const MMC_DISK = "mmc:block";
/** Made by the power manager's driver. */
const WATCHDOG = "platform:bcm2835-wdt";

/** Whether an SD controller takes cards. Wi-Fi is on one too: its chip is soldered on and has a node of its own. */
export const takesCards = (node: DeviceNode): boolean => node.children.length === 0;
/** On a Pi 4 this one is the power plug; the sockets are behind PCIe. */
const isHost = (node: DeviceNode): boolean => strings(node, "dr_mode")[0] !== "peripheral";

const boards: Readonly<Record<string, BoardFacts>> = {
  "rpi-arm64": {
    needs: [
      {
        use: "the SD card",
        controllers: [
          { compatible: "brcm,bcm2835-sdhost", when: takesCards, behind: [MMC_DISK] },
          { compatible: "brcm,bcm2835-sdhci", when: takesCards, behind: [MMC_DISK] },
          { compatible: "brcm,bcm2711-emmc2", when: takesCards, behind: [MMC_DISK] },
        ],
      },
      {
        use: "a USB disk",
        controllers: [
          { compatible: "brcm,bcm2835-usb", when: isHost, behind: USB_DISK },
          { compatible: "brcm,bcm2711-pcie", behind: [VL805, ...USB_DISK] },
        ],
      },
      {
        use: "the watchdog, without which a panic hangs the node for good",
        controllers: [
          { compatible: "brcm,bcm2835-pm", behind: [WATCHDOG] },
          { compatible: "brcm,bcm2711-pm", behind: [WATCHDOG] },
        ],
      },
    ],
    modules: {
      ext4: "slots and data",
      vfat: "p1",
      nls_cp437: "vfat's code page, by the kernel's configuration",
      nls_ascii: "vfat's character set, by the kernel's configuration",
    },
  },
};

/** Undefined for a board nothing is known of. */
export function boardFacts(board: string): BoardFacts | undefined {
  return boards[board];
}

/** Compatibles that need no driver, and why. Whatever else a node on the way says needs one. */
export const driverless: Readonly<Record<string, string>> = {
  "simple-bus": "the kernel itself makes devices of its children",
  "simple-mfd": "the same, beside the driver of the node's other compatible",
  syscon: "registers other drivers map; the kernel itself serves them",
};

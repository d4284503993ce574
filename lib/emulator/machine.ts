/** The machines an image boots on: a Pi 3 with its SD card, and QEMU's own board, which is faster. */
export const machineNames = ["raspi3b", "virt"] as const;
export type MachineName = (typeof machineNames)[number];

export interface MachineRequest {
  readonly machine: MachineName;
  /** Raw image whose size is a power of two. */
  readonly disk: string;
  /** Device tree that carries the extra kernel arguments. */
  readonly dtb: string;
  /** U-Boot for the machine: from the image itself for raspi3b, QEMU's build for virt. */
  readonly firmware: string;
  readonly qmpSocket: string;
  /** Port of 127.0.0.1 that leads to the guest's port 22; without it there is no network. */
  readonly sshPort?: number;
  /** For tests of hard cases. */
  readonly extras?: MachineExtras;
}

export interface MachineExtras {
  /** Only on `virt`: a further disk, found before or after the one under test. */
  readonly secondDisk?: { readonly path: string; readonly found: "before" | "after" };
  /** Only on `virt`: a hardware watchdog that resets the machine (i6300esb). A Pi's own cannot be used in emulation. */
  readonly watchdog?: boolean;
  /** File that gets every write to the disk, behind what it has, in the form of Linux' dm-log-writes. */
  readonly writeLog?: string;
  /** Only on `virt`, and not with a log: a sector of the disk that cannot be written to any more. */
  readonly badSector?: number;
}

export type Argv = readonly [string, ...string[]];

export const NETWORK = "n0";
const VIRT_BOARD = ["-cpu", "cortex-a53", "-smp", "2", "-m", "1024"] as const;
const VIRT_FIRMWARE = "/usr/lib/u-boot/qemu_arm64/u-boot.bin";

/** Property of /chosen that slot.scr appends to the kernel's command line. */
export const EXTRA_ARGUMENTS = "home-pi,extra-args";

/** A comma separates QEMU's options, a doubled one stands for itself. */
function option(path: string): string {
  return path.replaceAll(",", ",,");
}

function network(port: number | undefined): string[] {
  if (port === undefined) return ["-nic", "none"];
  return ["-netdev", `user,id=${NETWORK},hostfwd=tcp:127.0.0.1:${port}-:22`];
}

/**
 * Whether QEMU ends where its guest restarts, to be started anew. The emulated USB host of a Pi 3 does not get over a
 * reset: an adapter that was plugged in before it is dead in some starts, and one that is plugged in anew stops the
 * host for good.
 */
export function endsOnRestart({ machine, sshPort }: Pick<MachineRequest, "machine" | "sshPort">): boolean {
  return machine === "raspi3b" && sshPort !== undefined;
}

/** The emulator's command line. Serial line on stdin and stdout, QMP on a socket, no display. */
export function machineCommand(request: MachineRequest): Argv {
  const common = [
    ...["-display", "none", "-monitor", "none"],
    ...["-qmp", `unix:${option(request.qmpSocket)},server=on,wait=off`],
    ...["-dtb", request.dtb],
    ...network(request.sshPort),
    ...(endsOnRestart(request) ? ["-action", "reboot=shutdown"] : []),
  ];
  if (request.machine === "raspi3b") {
    return [
      ...(["qemu-system-aarch64", "-M", "raspi3b"] as const),
      ...common,
      // U-Boot and Linux speak on the mini UART, which is the second serial line.
      ...["-serial", "null", "-serial", "stdio"],
      ...["-kernel", request.firmware],
      ...["-drive", `if=sd,${ownDrive(request)}`],
    ];
  }
  return [
    ...(["qemu-system-aarch64", "-M", "virt"] as const),
    ...VIRT_BOARD,
    ...common,
    ...["-serial", "stdio"],
    ...["-bios", request.firmware],
    ...virtDisks(request),
    ...(request.extras?.watchdog === true ? ["-device", "i6300esb"] : []),
    // On the memory-mapped bus, not PCI: that is the driver the initramfs holds.
    ...(request.sshPort === undefined ? [] : ["-device", `virtio-net-device,netdev=${NETWORK}`]),
  ];
}

/** Nothing is lost with cache=unsafe while this machine lives: the host's page cache outlives QEMU. */
function rawDrive(path: string): string {
  return `format=raw,cache=unsafe,file=${option(path)}`;
}

/** Each write that touches the sector ends with EIO (5); what is read there is what was written last. */
function badDrive(disk: string, sector: number): string {
  const rule = { event: "none", iotype: "write", sector, errno: 5, once: "off", immediately: "off" };
  const rules = Object.entries(rule).map(([name, value]) => `inject-error.0.${name}=${value}`);
  return [
    ...["driver=blkdebug", "image.driver=raw", "image.file.driver=file"],
    ...[`image.file.filename=${option(disk)}`, ...rules],
  ].join(",");
}

/** The disk under test. With a log, flushes must reach it: they say what a power cut may take. */
function ownDrive({ disk, extras }: MachineRequest): string {
  if (extras?.badSector !== undefined) return badDrive(disk, extras.badSector);
  if (extras?.writeLog === undefined) return rawDrive(disk);
  return (
    `driver=blklogwrites,file.driver=raw,file.file.driver=file,file.file.filename=${option(disk)},` +
    `log.driver=file,log.filename=${option(extras.writeLog)},log-append=on`
  );
}

/** Disks of `virt`, in the order the guest finds them: what is named last comes first on its bus. */
function virtDisks(request: MachineRequest): string[] {
  const attach = (id: string, drive: string): string[] => [
    ...["-drive", `if=none,id=${id},${drive}`, "-device", `virtio-blk-device,drive=${id}`],
  ];
  const own = attach("disk", ownDrive(request));
  const second = request.extras?.secondDisk;
  if (second === undefined) return own;
  const other = attach("other", rawDrive(second.path));
  return second.found === "before" ? [...own, ...other] : [...other, ...own];
}

/** Writes the device tree QEMU makes for `virt` to a file and ends. */
export function dumpDeviceTreeCommand(dtb: string): Argv {
  const machine = `virt,dumpdtb=${option(dtb)}`;
  // With the firmware: where there is one, QEMU leaves out the GPIO block that the tree would name otherwise,
  // and Linux dies on reading it.
  return [
    ...(["qemu-system-aarch64", "-M", machine] as const),
    ...VIRT_BOARD,
    ...["-bios", VIRT_FIRMWARE, "-display", "none", "-nic", "none"],
  ];
}

/** Adds the extra kernel arguments to a device tree file. */
export function extraArgumentsCommand(dtb: string, text: string): Argv {
  return ["fdtput", "-p", "-t", "s", dtb, "/chosen", EXTRA_ARGUMENTS, text];
}

/** The files of p1 a machine is started with, and U-Boot's place in the tools tree for the other one. */
export const bootFiles = {
  raspi3b: { firmware: "u-boot.bin", dtb: "bcm2837-rpi-3-b.dtb" },
  virt: { firmware: VIRT_FIRMWARE },
} as const;

/**
 * What the kernel is told in emulation only. The emulated watchdog resets as soon as it is armed, and the
 * modules named have no hardware behind them on `raspi3b` but take minutes to find out.
 */
export function kernelArguments(machine: MachineName, report: boolean): string {
  const emulation =
    machine === "raspi3b"
      ? [
          "systemd.watchdog_sec=0",
          "module_blacklist=vc4,bcm2835_v4l2,snd_bcm2835,hci_uart,bluetooth,cfg80211",
        ]
      : [];
  // Each unit as it starts: a slow boot shows that it goes on, and a stuck one where.
  return [...(report ? ["home-pi.report"] : []), "systemd.show_status=true", ...emulation].join(" ");
}

export interface HotPlug {
  readonly execute: "device_add";
  readonly arguments: Readonly<Record<"driver" | "netdev" | "id", string>>;
}

/** The network adapter to plug in once Linux is up: on raspi3b one that is there from the start stays dead. */
export function networkHotPlug(machine: MachineName): HotPlug | undefined {
  if (machine === "virt") return undefined;
  return {
    execute: "device_add",
    arguments: { driver: "usb-net", netdev: NETWORK, id: "un0" },
  };
}

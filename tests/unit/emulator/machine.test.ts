import { describe, expect, it } from "vitest";
import {
  dumpDeviceTreeCommand,
  extraArgumentsCommand,
  kernelArguments,
  machineCommand,
  networkHotPlug,
} from "../../../lib/emulator/machine.ts";

const files = { disk: "/w/disk.img", dtb: "/w/x.dtb", firmware: "/w/u-boot.bin", qmpSocket: "/s/qmp.sock" };

describe("machineCommand", () => {
  it("is the known command line on raspi3b", () => {
    expect(machineCommand({ machine: "raspi3b", ...files, sshPort: 2222 }).join(" ")).toBe(
      "qemu-system-aarch64 -M raspi3b -display none -monitor none -qmp unix:/s/qmp.sock,server=on,wait=off " +
        "-dtb /w/x.dtb -netdev user,id=n0,hostfwd=tcp:127.0.0.1:2222-:22 " +
        "-action reboot=shutdown -serial null -serial stdio " +
        "-kernel /w/u-boot.bin -drive if=sd,format=raw,cache=unsafe,file=/w/disk.img",
    );
  });

  it("is the known command line on virt", () => {
    expect(machineCommand({ machine: "virt", ...files, sshPort: 2222 }).join(" ")).toBe(
      "qemu-system-aarch64 -M virt -cpu cortex-a53 -smp 2 -m 1024 -display none -monitor none " +
        "-qmp unix:/s/qmp.sock,server=on,wait=off -dtb /w/x.dtb -netdev user,id=n0,hostfwd=tcp:127.0.0.1:2222-:22 " +
        "-serial stdio -bios /w/u-boot.bin -drive if=none,id=disk,format=raw,cache=unsafe,file=/w/disk.img " +
        "-device virtio-blk-device,drive=disk -device virtio-net-device,netdev=n0",
    );
  });

  it.each(["raspi3b", "virt"] as const)("has no network on %s unless somebody logs in", (machine) => {
    const command = machineCommand({ machine, ...files });
    expect(command.join(" ")).toContain("-nic none");
    expect(command.join(" ")).not.toMatch(/netdev|net-device|hostfwd/);
  });

  it("ends where a Pi 3 with network restarts", () => {
    const command = (machine: "raspi3b" | "virt", sshPort?: number) =>
      machineCommand({ machine, ...files, ...(sshPort === undefined ? {} : { sshPort }) }).join(" ");
    expect(command("raspi3b", 2222)).toContain("-action reboot=shutdown");
    for (const other of [command("raspi3b"), command("virt", 2222)]) expect(other).not.toContain("-action");
  });

  it("names the disk under test last where it is to be found first", () => {
    const disks = (found: "before" | "after") =>
      machineCommand({
        ...{ machine: "virt", ...files },
        extras: { secondDisk: { path: "/w/other.img", found } },
      })
        .filter((word) => word.startsWith("virtio-blk-device"))
        .map((word) => word.split("=")[1]);
    expect(disks("before")).toEqual(["disk", "other"]);
    expect(disks("after")).toEqual(["other", "disk"]);
  });

  it("lets flushes through where every write is recorded", () => {
    const extras = { writeLog: "/w/log", watchdog: true };
    const command = machineCommand({ machine: "virt", ...files, extras }).join(" ");
    expect(command).toContain("driver=blklogwrites,file.driver=raw,file.file.driver=file,");
    expect(command).toContain(
      "file.file.filename=/w/disk.img,log.driver=file,log.filename=/w/log,log-append=on",
    );
    expect(command).toContain("-device i6300esb");
    expect(command).not.toContain("unsafe");
  });

  it("has a card with a spot that takes no more writes", () => {
    const command = machineCommand({ machine: "virt", ...files, extras: { badSector: 4096 } }).join(" ");
    expect(command).toContain("driver=blkdebug,image.driver=raw,image.file.driver=file,");
    expect(command).toContain("image.file.filename=/w/disk.img,inject-error.0.event=none,");
    expect(command).toContain("inject-error.0.iotype=write,inject-error.0.sector=4096,");
  });

  it("doubles the commas of a path, which would end it", () => {
    const command = machineCommand({ machine: "raspi3b", ...files, disk: "/a,b/disk.img" });
    expect(command.at(-1)).toBe("if=sd,format=raw,cache=unsafe,file=/a,,b/disk.img");
    expect(dumpDeviceTreeCommand("/a,b/v.dtb")).toContain("virt,dumpdtb=/a,,b/v.dtb");
  });
});

describe("kernelArguments", () => {
  it("switches off what emulation cannot stand, on raspi3b only", () => {
    expect(kernelArguments("raspi3b", true)).toBe(
      "home-pi.report systemd.show_status=true systemd.watchdog_sec=0 module_blacklist=vc4,bcm2835_v4l2,snd_bcm2835,hci_uart,bluetooth,cfg80211",
    );
    expect(kernelArguments("raspi3b", false)).toMatch(/^systemd\.show_status=true systemd\.watchdog_sec=0 /);
    expect(kernelArguments("virt", true)).toBe("home-pi.report systemd.show_status=true");
    expect(kernelArguments("virt", false)).toBe("systemd.show_status=true");
  });

  it("goes into the property the boot script reads", () => {
    expect(extraArgumentsCommand("/w/x.dtb", "home-pi.report")).toEqual([
      ...["fdtput", "-p", "-t", "s", "/w/x.dtb", "/chosen", "home-pi,extra-args", "home-pi.report"],
    ]);
  });
});

describe("networkHotPlug", () => {
  it("is for raspi3b, where an adapter that is there from the start stays dead", () => {
    expect(networkHotPlug("raspi3b")).toEqual({
      execute: "device_add",
      arguments: { driver: "usb-net", netdev: "n0", id: "un0" },
    });
    expect(networkHotPlug("virt")).toBeUndefined();
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBuiltImage } from "../../lib/emulator/find-image.ts";
import { listTree } from "../../lib/external/files.ts";
import { cacheDir, testTools, world } from "./surroundings.ts";

const tools = await testTools();
const FOLDERS = ["/usr/lib/modules", "/etc", "/root", "/home", "/var/lib", "/usr/lib/home-pi", "/boot"];
/** Hardware and functions people put to use on a Pi; what is left out of the packages must not take them along. */
const KEPT_MODULES = [
  ...["drivers/gpu/drm/vc4/vc4", "drivers/gpu/drm/v3d/v3d", "sound/soc/bcm/snd-soc-bcm2835-i2s"],
  ...["drivers/net/ethernet/broadcom/genet/genet", "drivers/net/usb/smsc95xx", "drivers/net/usb/lan78xx"],
  ...["drivers/net/wireless/broadcom/brcm80211/brcmfmac/brcmfmac", "drivers/net/usb/r8152"],
  ...["drivers/net/ethernet/realtek/r8169", "drivers/net/ethernet/intel/igc/igc", "drivers/nvme/host/nvme"],
  ...["drivers/net/veth", "drivers/net/vxlan/vxlan", "drivers/net/wireguard/wireguard", "drivers/net/tun"],
  ...["fs/overlayfs/overlay", "fs/nfs/nfs", "fs/xfs/xfs", "fs/btrfs/btrfs", "fs/squashfs/squashfs"],
  ...["drivers/md/dm-verity", "drivers/block/nbd", "drivers/block/loop", "net/bridge/br_netfilter"],
  ...["net/netfilter/ipvs/ip_vs", "net/netfilter/nf_tables", "drivers/usb/serial/cp210x"],
  ...["drivers/media/usb/uvc/uvcvideo", "drivers/watchdog/bcm2835_wdt"],
];
const LARGEST_DOWNLOAD_BYTES = 300 * 1000 * 1000;

describe.runIf(tools !== undefined && cacheDir !== undefined).each(["server", "agent"])(
  "the image of %s",
  (profile) => {
    let folder: string;
    let image: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "content-"));
      const built = await findBuiltImage(cacheDir ?? "", { cluster: "home", profile, board: "rpi-arm64" });
      image = built.image;
      const slot = join(image, "..", "slot.ext4");
      for (const path of FOLDERS) {
        const target = join(folder, path);
        // debugfs makes the last folder itself, and fails where there is one.
        await mkdir(join(target, ".."), { recursive: true });
        const command = tools?.command(["debugfs", "-R", `rdump ${path} ${join(target, "..")}`, slot], {
          binds: [{ source: folder }, { source: join(slot, ".."), readOnly: true }],
          timeoutMs: 60_000,
        });
        if (command !== undefined) await world.processes.run(command);
      }
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    test("holds no host key, and no other private key", async () => {
      expect((await readdir(join(folder, "etc/ssh"))).filter((name) => name.startsWith("ssh_host"))).toEqual(
        [],
      );
      const files = (await listTree(folder)).filter((entry) => entry.kind === "file");
      expect(files.length).toBeGreaterThan(500);
      const secret: string[] = [];
      for (const { path } of files) {
        if (path.startsWith("boot/")) continue;
        const text = await readFile(join(folder, path), "latin1");
        if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/]/m.test(text)) secret.push(path);
        if (path.endsWith("authorized_keys")) secret.push(path);
      }
      expect(secret).toEqual([]);
    });

    test("has no password", async () => {
      const shadow = (await readFile(join(folder, "etc/shadow"), "utf8")).trim().split("\n");
      expect(shadow.map((line) => line.split(":")[0])).toContain("root");
      const usable = shadow.filter((line) => !/^[^:]+:[!*]/.test(line));
      expect(usable).toEqual([]);
    });

    test("has no identity of a machine, neither a node's nor the one that built it", async () => {
      expect((await stat(join(folder, "etc/machine-id"))).size).toBe(0);
      const { stdout } = await world.processes.run({ argv: ["hostname"], timeoutMs: 5_000 });
      const names = ["etc/hostname", "etc/hosts"].map((path) =>
        readFile(join(folder, path), "utf8").catch(() => ""),
      );
      for (const text of await Promise.all(names)) {
        if (stdout.trim() !== "localhost") expect(text.split(/\s+/)).not.toContain(stdout.trim());
      }
      expect((await listTree(folder)).map(({ path }) => path)).not.toContain("var/lib/systemd/random-seed");
    });

    test("says which build it is", async () => {
      const info = JSON.parse(await readFile(join(image, "..", "buildinfo.json"), "utf8")) as {
        buildId: string;
      };
      const build = JSON.parse(await readFile(join(folder, "usr/lib/home-pi/build.json"), "utf8")) as {
        buildId: string;
      };
      expect(build).toMatchObject({ buildId: info.buildId, profile, board: "rpi-arm64", contract: 1 });
    });

    test("has the modules a node needs, and none of those left out", async () => {
      const paths = (await listTree(join(folder, "usr/lib/modules"))).map((entry) => entry.path);
      const names = new Set(paths.flatMap((path) => /\/kernel\/(.+)\.ko(?:\.xz)?$/.exec(path)?.[1] ?? []));
      expect(KEPT_MODULES.filter((name) => !names.has(name))).toEqual([]);
      expect([...names].filter((name) => /drm\/amd\/|infiniband\/|scsi\/lpfc\//.test(name))).toEqual([]);
    });

    test("is a download of at most 300 MB", async () => {
      expect((await stat(image)).size).toBeLessThanOrEqual(LARGEST_DOWNLOAD_BYTES);
    });
  },
);

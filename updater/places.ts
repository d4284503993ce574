import { join } from "node:path";

/** Where everything lies on a node; below another root in tests. */
export function placesOf(root = "/") {
  const at = (path: string): string => join(root, path);
  return {
    build: at("usr/lib/home-pi/build.json"),
    trustedRoot: at("usr/share/home-pi/root.json"),
    config: at("etc/home-pi/update.json"),
    healthChecks: at("usr/lib/home-pi/health.d"),
    /** State and metadata; on data, shared by all builds. */
    state: at("data/update"),
    /** Boots that ended with a shutdown, written while a new build is not trusted yet. */
    shutDowns: at("data/update/shut-downs"),
    bundles: at("data/update/bundles"),
    savedStatus: at("data/update/status.json"),
    /** Gone with each restart. */
    run: at("run/home-pi"),
    /** What came of the identity file. */
    identity: at("run/home-pi/identity.json"),
    dataState: at("run/home-pi/data.json"),
    /** What the units every slot needs are short of, where they do not run. */
    healthSays: at("run/home-pi/health"),
    markedGood: at("run/home-pi/marked-good"),
    /** Left by the gate once it is sure that this start has to end. */
    leaving: at("run/home-pi/leaving"),
    intended: at("run/home-pi/intended.json"),
    status: at("run/home-pi/update-status.json"),
    lock: at("run/home-pi/update.lock"),
    synchronized: at("run/systemd/timesync/synchronized"),
    bootId: at("proc/sys/kernel/random/boot_id"),
    commandLine: at("proc/cmdline"),
    uptime: at("proc/uptime"),
    blockDevices: at("sys/class/block"),
    dropCaches: at("proc/sys/vm/drop_caches"),
    issue: at("run/issue.d/20-home-pi-update.issue"),
    motd: at("run/motd.d/20-home-pi-update"),
    /** Read by node_exporter's textfile collector, where a profile points it there. */
    metrics: at("run/home-pi/metrics/update.prom"),
  } as const;
}

export type Places = ReturnType<typeof placesOf>;

export const UNITS = {
  gate: "home-pi-health.service",
  service: "home-pi-update.service",
  /** Made by a run that waits for the window. */
  window: "home-pi-update-window",
  timer: "home-pi-update.timer",
  rauc: "rauc.service",
} as const;

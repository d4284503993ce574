import type { Processes } from "../../lib/external/process.ts";
import { UpdaterError } from "../failure.ts";

/** After so many seconds udev goes on, whatever becomes of the installation. */
const LONGEST_SECONDS = 180;

/**
 * RAUC 1.13 loses a race with udev, which looks into /dev/nbd* while RAUC makes it ready ("Hash device is too small";
 * mended in 1.15.2). So udev's queue stands still while it does.
 *
 * It goes on when we say so, when we die, whatever kills us (the pipe to `head` closes), and after some minutes at the
 * latest. Where all of the service is killed at once, its ExecStopPost starts the queue.
 */
const SCRIPT = `
trap '' TERM INT HUP
modprobe nbd
udevadm settle --timeout=30
udevadm control --stop-exec-queue || exit 1
echo held
timeout ${LONGEST_SECONDS} head -n 1 >/dev/null
udevadm control --start-exec-queue
echo free
`;

export interface UdevGuard {
  /** Resolves when the queue runs again. May be called more than once. */
  release(): Promise<void>;
}

/** Resolves when udev's queue stands still. Throws UpdaterError RAUC. */
export async function holdUdev(processes: Processes): Promise<UdevGuard> {
  return new Promise((resolve, reject) => {
    let output = "";
    let freed: () => void = () => undefined;
    const free = new Promise<void>((done) => {
      freed = done;
    });
    const child = processes.start({ argv: ["sh", "-c", SCRIPT] }, (chunk) => {
      output += chunk.toString("utf8");
      if (/^free$/m.test(output)) freed();
      if (!/^held$/m.test(output)) return;
      resolve({
        release: async () => {
          child.write("go on\n");
          await free;
        },
      });
    });
    void child.exited.then(() => {
      freed();
      reject(new UpdaterError("RAUC", "udev's queue could not be held", { details: [output.trim()] }));
    });
  });
}

import { createSocket } from "node:dgram";
import { Failure } from "../failure.ts";
import type { Clock } from "./clock.ts";

export type TimeServerCode = "LISTEN";

class TimeServerError extends Failure<TimeServerCode> {
  readonly area = "time-server";
}

/** NTP's own port: clients such as systemd-timesyncd ask no other. */
const NTP_PORT = 123;
const PACKET_BYTES = 48;
/** Seconds from 1900, where NTP counts from, to 1970. */
const EPOCH_SECONDS = 2_208_988_800;
/** Leap indicator 0, version 4, mode 4 (server): RFC 5905, section 7.3. */
const SERVER_MODE = 0x24;
const STRATUM = 2;
/** 2^-20 s. */
const PRECISION = -20;

export interface TimeServer {
  /** Added to this machine's time, in milliseconds. */
  offsetMs: number;
  /** Questions that were answered. */
  readonly answered: number;
  close(): Promise<void>;
}

function writeTime(packet: Buffer, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  packet.writeUInt32BE((seconds + EPOCH_SECONDS) % 2 ** 32, at);
  packet.writeUInt32BE(Math.floor(((ms - seconds * 1000) / 1000) * 2 ** 32), at + 4);
}

/** The answer to an SNTP request (RFC 5905, 4330), or undefined where it is none. Pure. */
export function answerTime(request: Uint8Array, now: number): Buffer | undefined {
  const mode = (request[0] ?? 0) & 7;
  if (request.length < PACKET_BYTES || mode !== 3) return undefined;
  const packet = Buffer.alloc(PACKET_BYTES);
  packet[0] = SERVER_MODE;
  packet[1] = STRATUM;
  packet[2] = request[2] ?? 0;
  packet.writeInt8(PRECISION, 3);
  packet.write("LOCL", 12, "ascii");
  writeTime(packet, 16, now);
  // The client finds its own transmit time again as origin, and throws away what does not carry it.
  packet.set(request.subarray(40, 48), 24);
  writeTime(packet, 32, now);
  writeTime(packet, 40, now);
  return packet;
}

/**
 * Tells the time to emulated machines, on the loopback: a machine behind QEMU's user network reaches it as 10.0.2.2.
 * Throws TimeServerError LISTEN where the port cannot be had.
 */
export async function serveTime(
  clock: Pick<Clock, "now">,
  offsetMs = 0,
  port = NTP_PORT,
): Promise<TimeServer> {
  const socket = createSocket("udp4");
  let answered = 0;
  const server: TimeServer = {
    offsetMs,
    get answered() {
      return answered;
    },
    close: () => new Promise((done) => socket.close(() => done())),
  };
  socket.on("message", (request, from) => {
    const answer = answerTime(request, clock.now() + server.offsetMs);
    if (answer === undefined) return;
    answered += 1;
    socket.send(answer, from.port, from.address, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (cause) =>
      reject(
        new TimeServerError("LISTEN", `the time cannot be served on 127.0.0.1:${port}`, {
          fix: "a time server of this machine holds the port, or another emulated node: stop it for as long",
          cause,
        }),
      ),
    );
    socket.bind(port, "127.0.0.1", resolve);
  });
  socket.on("error", () => undefined);
  return server;
}

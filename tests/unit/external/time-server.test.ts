import { createSocket } from "node:dgram";
import { describe, expect, it } from "vitest";
import { answerTime, serveTime } from "../../../lib/external/time-server.ts";

const EPOCH_SECONDS = 2_208_988_800;

/** A client's question, as systemd-timesyncd sends it: version 4, mode 3, its own time in the last field. */
function question(): Buffer {
  const packet = Buffer.alloc(48);
  packet[0] = 0x23;
  packet.write("own time", 40, "ascii");
  return packet;
}

const secondsAt = (packet: Uint8Array, at: number): number =>
  Buffer.from(packet).readUInt32BE(at) - EPOCH_SECONDS + Buffer.from(packet).readUInt32BE(at + 4) / 2 ** 32;

describe("answerTime", () => {
  it("tells the time as a server of stratum 2, and gives the client's own time back", () => {
    const answer = answerTime(question(), 1_795_000_000_250) ?? Buffer.alloc(0);
    expect([answer[0], answer[1], answer.length]).toEqual([0x24, 2, 48]);
    expect(answer.subarray(24, 32).toString("ascii")).toBe("own time");
    expect(secondsAt(answer, 32)).toBeCloseTo(1_795_000_000.25, 3);
    expect(secondsAt(answer, 40)).toBeCloseTo(1_795_000_000.25, 3);
  });

  it.each([
    ["something short", Buffer.alloc(47, 0x23)],
    ["an answer", Buffer.alloc(48, 0x24)],
    ["nothing", Buffer.alloc(0)],
  ])("is silent to %s", (_, packet) => {
    expect(answerTime(packet, 0)).toBeUndefined();
  });
});

describe("serveTime", () => {
  it("answers over the network, ahead as it is told, and counts", async () => {
    const port = 20_000 + (process.pid % 20_000);
    const server = await serveTime({ now: () => 1_000_000 }, 500_000, port);
    const client = createSocket("udp4");
    try {
      const ask = async (): Promise<number> => {
        const heard = new Promise<Buffer>((resolve) => void client.once("message", resolve));
        client.send(question(), port, "127.0.0.1");
        return secondsAt(await heard, 40);
      };
      expect(await ask()).toBeCloseTo(1_500, 3);
      server.offsetMs = 0;
      expect(await ask()).toBeCloseTo(1_000, 3);
      expect(server.answered).toBe(2);
      await expect(serveTime({ now: () => 0 }, 0, port)).rejects.toMatchObject({ code: "LISTEN" });
    } finally {
      client.close();
      await server.close();
    }
  });
});

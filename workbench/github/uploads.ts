import type { IncomingMessage, ServerResponse } from "node:http";
import { takeFault } from "./faults.ts";
import { type Ask, type Reply, takeFile } from "./operations.ts";
import { errorRecord } from "./records.ts";
import { limitReply, sendReply } from "./replies.ts";
import { addAsset, type FakeAsset, type FakeRelease, sha256 } from "./repository.ts";
import type { FakeInternals } from "./server.ts";

const EMPTY = sha256("");

/** Takes a file, or does to it what the next fault says. */
export async function receiveUpload(
  fake: FakeInternals,
  ask: Ask,
  request: IncomingMessage,
  response: ServerResponse,
  note: (reply: Reply, body: unknown) => void,
): Promise<void> {
  const name = ask.query.name ?? "";
  const release = fake.repository.releases.find(({ id }) => id === Number(ask.params.release_id));
  const answer = (reply: Reply): void => {
    note(reply, undefined);
    sendReply(response, reply);
  };
  const announced = Number(request.headers["content-length"] ?? Number.NaN);
  if (!Number.isFinite(announced)) fake.problems.push(`${name} came without content-length`);
  if (!ask.writes || release === undefined) return answer({ status: 404, body: errorRecord("Not Found") });
  const fault = takeFault(fake.faults, "upload", name);
  if (fault?.do === "500-at-start") {
    // Says so at once, and goes on reading so that the answer is not lost in a reset.
    request.resume();
    return answer({ status: 500, body: errorRecord("Error creating asset temp dir") });
  }
  if (fault?.do === "secondary-limit") {
    request.resume();
    return answer(limitReply(fault));
  }
  const half = (): void => void addAsset(fake.repository, release, starter(name));
  if (fault?.do === "reset" || fault?.do === "stall") {
    await readPart(fake, name, request, announced / 2);
    half();
    if (fault.do === "reset") request.socket.destroy();
    return;
  }
  const content = await readWhole(fake, name, request, release);
  if (content === undefined) return;
  if (fault?.do === "502-with-starter") {
    half();
    return answer({ status: 502, body: errorRecord("Server Error") });
  }
  const asset = received(name, content, fault?.do);
  const reply = takeFile(release, asset, fake);
  if (fault?.do === "worked-502") return answer({ status: 502, body: errorRecord("Server Error") });
  if (fault?.do === "502") throw new Error("say 502-with-starter or 500-at-start for an upload");
  if (fault?.do === "422-already-exists") {
    return answer({ status: 422, body: errorRecord("Validation Failed", "already_exists") });
  }
  answer(reply);
}

const starter = (name: string): Omit<FakeAsset, "id"> => ({
  ...{ name, bytes: 0, sha256: EMPTY, digestTold: false, state: "starter", content: undefined },
});

function received(name: string, content: Buffer, fault: string | undefined): Omit<FakeAsset, "id"> {
  const kept = fault === "spoilt" ? Buffer.from(content.map((byte) => byte ^ 1)) : content;
  return {
    name: fault === "renamed" ? `default.${name.replaceAll(/[^a-z0-9]/gi, ".")}` : name,
    bytes: kept.length,
    sha256: sha256(kept),
    digestTold: fault !== "no-digest",
    state: "uploaded",
    content: kept,
  };
}

function count(fake: FakeInternals, name: string, bytes: number): void {
  fake.received.set(name, (fake.received.get(name) ?? 0) + bytes);
}

async function readPart(
  fake: FakeInternals,
  name: string,
  request: IncomingMessage,
  most: number,
): Promise<void> {
  let bytes = 0;
  await new Promise<void>((resolve) => {
    request.on("error", () => resolve());
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      count(fake, name, chunk.length);
      if (bytes < most) return;
      request.pause();
      resolve();
    });
  });
}

/** Undefined where the client went away: what GitHub keeps of such an upload is a starter. */
async function readWhole(
  fake: FakeInternals,
  name: string,
  request: IncomingMessage,
  release: FakeRelease,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      count(fake, name, chunk.length);
    }
    return Buffer.concat(chunks);
  } catch {
    if (!release.assets.some((asset) => asset.name === name)) {
      addAsset(fake.repository, release, starter(name));
    }
    return undefined;
  }
}

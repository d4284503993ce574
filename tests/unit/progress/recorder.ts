import { PassThrough } from "node:stream";

/** What a reporter wrote, and a clock that moves only when told. */
export function recorder() {
  let text = "";
  let ms = 1_000_000;
  return {
    write: (chunk: string) => {
      text += chunk;
    },
    now: () => ms,
    pass: (by: number) => {
      ms += by;
    },
    lines: () => text.split("\n").filter((line) => line !== ""),
  };
}

/** A stream that a program takes for a terminal of 120 columns. */
export function terminal() {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120, rows: 40 });
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

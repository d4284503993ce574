import { readFile, writeFile } from "node:fs/promises";

/**
 * Draws an asciinema recording as an SVG that moves: `node scripts/draw-demo.ts RECORDING.cast PICTURE.svg`.
 * A minute of the recording takes one second, so that nobody waits for an emulated Pi.
 */
const FASTER = 60;
const HOLD_SECONDS = 8;
const LINE_PIXELS = 19;
const PAD = 16;
const CHARACTER_PIXELS = 7.8;
const COLUMNS = 118;

interface Line {
  readonly at: number;
  readonly text: string;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Lines of a recording, long ones cut in two, each with its second. */
export function linesOf(cast: string): readonly Line[] {
  const [, ...events] = cast.trim().split("\n");
  return events.flatMap((event) => {
    const [at, , text] = JSON.parse(event) as [number, string, string];
    return text
      .replace(/\r?\n$/, "")
      .split(/\r?\n/)
      .flatMap((line) => folded(line).map((part) => ({ at, text: part })));
  });
}

function folded(line: string): string[] {
  if (line.length <= COLUMNS) return [line];
  const cut = line.lastIndexOf(" ", COLUMNS);
  return [line.slice(0, cut), ...folded(`         ${line.slice(cut + 1)}`)];
}

export function drawing(lines: readonly Line[], title: string): string {
  const height = PAD * 2 + LINE_PIXELS * (lines.length + 1);
  const width = Math.ceil(PAD * 2 + COLUMNS * CHARACTER_PIXELS);
  const end = (lines.at(-1)?.at ?? 0) / FASTER + HOLD_SECONDS;
  const rows = lines.map(({ at, text }, row) => {
    const y = PAD + LINE_PIXELS * (row + 2) - 5;
    // Where nothing moves (a printed page), all of it is there.
    const shown = `<animate attributeName="opacity" values="0;1" keyTimes="0;${(at / FASTER / end).toFixed(4)}" calcMode="discrete" dur="${end.toFixed(1)}s" repeatCount="indefinite"/>`;
    const color = /failed|broken/.test(text)
      ? "#e5a3a3"
      : / ok: |is committed/.test(text)
        ? "#a6d9a6"
        : "#d0d0d0";
    return `<text x="${PAD}" y="${y}" fill="${color}" xml:space="preserve">${escaped(text)}${shown}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<rect width="100%" height="100%" rx="8" fill="#1c1f26"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">`,
    `<text x="${PAD}" y="${PAD + LINE_PIXELS - 5}" fill="#8fb4d9">$ ${escaped(title)}</text>`,
    ...rows,
    "</g>",
    "</svg>\n",
  ].join("\n");
}

const [from, to] = process.argv.slice(2);
if (import.meta.main) {
  if (from === undefined || to === undefined) {
    process.stderr.write("usage: node scripts/draw-demo.ts RECORDING.cast PICTURE.svg\n");
    process.exitCode = 2;
  } else {
    await writeFile(to, drawing(linesOf(await readFile(from, "utf8")), "./pi emulate --demo"));
  }
}

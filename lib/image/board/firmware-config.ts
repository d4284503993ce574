import type { FirmwareKind } from "./models.ts";

/** What config.txt says to the Raspberry Pi's firmware. */
export interface FirmwareConfig {
  readonly settings: ReadonlyMap<string, string>;
  /** Lines that are not settings for every board, or that the firmware would cut off. */
  readonly odd: readonly string[];
}

/** raspberrypi.com/documentation/computers/config_txt.html: "a line is limited to 98 characters". */
const LONGEST_LINE = 98;

/** Reads config.txt: `NAME=VALUE`, the last one counts; `#` begins a comment. */
export function parseFirmwareConfig(text: string): FirmwareConfig {
  const settings = new Map<string, string>();
  const odd: string[] = [];
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "" || line === "[all]") continue;
    if (line.startsWith("#")) continue;
    if (line.length > LONGEST_LINE) odd.push(line);
    const match = /^([a-z0-9_]+)=(.*)$/.exec(line);
    if (match === null) odd.push(line);
    else settings.set(match[1] ?? "", match[2] ?? "");
  }
  return { settings, odd };
}

/** With 16 MB the firmware takes the build without codecs and 3D; `start_x` and the like are not used here. */
export function firmwareKind({ settings }: FirmwareConfig): FirmwareKind {
  return settings.get("gpu_mem") === "16" ? "cut-down" : "normal";
}

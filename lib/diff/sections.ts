import type { Aspect, Change, ImageDiff } from "./schema.ts";

/** One table of a comparison, in the words people read. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How many rows there are beyond these. */
  readonly more: number;
}

const LONGEST_VALUE = 60;

/** An image may come from anybody: what would steer a terminal is shown by its number. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function shortened(value: string | undefined): string {
  if (value === undefined) return "none";
  return printable(value.length <= LONGEST_VALUE ? value : `${value.slice(0, LONGEST_VALUE)}...`);
}

/** A digest or a time says no more than that it is another. */
const NAMED_ONLY = ["content", "time"];

function describe({ aspect, from, to }: Aspect): string {
  const name = printable(aspect);
  return NAMED_ONLY.includes(aspect) ? name : `${name} ${shortened(from)} -> ${shortened(to)}`;
}

/** What is to be said of a thing that only one side has. */
const OF_ONE_SIDE: Readonly<Record<string, (value: string) => string>> = {
  kind: (value) => value,
  size: (value) => `${value} bytes`,
  target: (value) => `to ${value}`,
};

function what({ change, aspects }: Change): string {
  if (change === "changed") return aspects.map(describe).join(", ");
  const said = aspects.flatMap(({ aspect, from, to }) => {
    const value = OF_ONE_SIDE[aspect]?.(shortened(from ?? to));
    return value === undefined ? [] : [value];
  });
  return said.join(", ");
}

const onlyTime = ({ change, aspects }: Change): boolean =>
  change === "changed" && aspects.every(({ aspect }) => aspect === "time");

/** What has another time and nothing else comes last: there is much of it, and it rarely matters. */
function byWeight(changes: readonly Change[]): Change[] {
  return [...changes.filter((change) => !onlyTime(change)), ...changes.filter(onlyTime)];
}

function changeSection(title: string, thing: string, changes: readonly Change[], most: number): Section {
  const rows = byWeight(changes)
    .slice(0, most)
    .map((change) => [change.change, printable(change.name), what(change)]);
  return { title, head: ["", thing, "what"], rows, more: changes.length - rows.length };
}

function packageSection(changes: readonly Change[]): Section {
  const rows = changes.map(({ name, change, aspects }) => {
    const version = aspects.find(({ aspect }) => aspect === "version");
    return [change, name, version?.from ?? "", version?.to ?? ""].map(printable);
  });
  return { title: "packages", head: ["", "package", "from", "to"], rows, more: 0 };
}

function byteSection(regions: ImageDiff["bytes"], most: number): Section {
  const ranges = regions.flatMap(({ region, ranges: found }) =>
    found.map(({ offset, bytes }) => [region, String(offset), String(bytes)]),
  );
  const unlisted = regions.reduce((sum, { more }) => sum + more, 0);
  const rows = ranges.slice(0, most);
  const more = ranges.length - rows.length + unlisted;
  return { title: "bytes that belong to nothing above", head: ["part", "offset", "bytes"], rows, more };
}

/** The tables of a comparison, packages first; those without rows left out. At most `most` rows, packages all. */
export function sectionsOf(diff: Omit<ImageDiff, "images" | "equal">, most: number): Section[] {
  const sections = [
    packageSection(diff.packages),
    changeSection("paths of slot A", "path", diff.paths, most),
    changeSection("files of p1", "file", diff.boot, most),
    changeSection("the disk", "part", diff.disk, most),
    byteSection(diff.bytes, most),
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

const counted = (count: number, one: string, many: string): string[] =>
  count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];

/** One line: which images, and how much of what differs. */
export function headline({ images, equal, packages, paths, boot, disk, bytes }: ImageDiff): string {
  const [first, second] = images.map(({ name }) => printable(name));
  if (equal) return `${first} and ${second} are equal`;
  const parts = [
    ...counted(packages.length, "package", "packages"),
    ...counted(paths.length, "path of slot A", "paths of slot A"),
    ...counted(boot.length, "file of p1", "files of p1"),
    ...counted(disk.length, "part of the disk", "parts of the disk"),
    ...(bytes.length === 0 ? [] : [`bytes in ${bytes.map(({ region }) => region).join(" and ")}`]),
  ];
  return `${first} and ${second} differ: ${parts.join(", ")}`;
}

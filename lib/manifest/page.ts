import { CHANNEL_NAMES } from "./channel.ts";
import type { ManifestWrite } from "./repository/change.ts";
import type { ManifestState } from "./repository/state.ts";

export const PAGE = "index.html";
/** Without it GitHub Pages would run Jekyll over the files, and leave some out. */
export const NO_JEKYLL = ".nojekyll";

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return ["<table>", line("th", head), ...rows.map((row) => line("td", row)), "</table>"].join("\n");
}

function channelPart(state: ManifestState, name: (typeof CHANNEL_NAMES)[number]): string[] {
  const document = state.channels[name];
  if (document === undefined) return [];
  const rows = Object.entries(document.images).map(([id, image]) => [
    id,
    image.version,
    image.bundle.name,
    String(image.bundle.bytes),
    image.bundle.sha256,
  ]);
  const blocked = document.blocked.map(
    ({ version, id, reason, since }) =>
      `<li>${escaped(`${version} (${id}): ${reason}, since ${since}`)}</li>`,
  );
  return [
    `<h2>${name}: ${escaped(document.release)}</h2>`,
    ...(document.development
      ? ["<p><strong>Signed with development keys: for trying things out.</strong></p>"]
      : []),
    table(["image", "version", "bundle", "bytes", "sha256"], rows),
    ...(blocked.length === 0 ? [] : ["<p>Blocked:</p>", "<ul>", ...blocked, "</ul>"]),
  ];
}

/** A page for people about the manifest. Says nothing that is not in the files: the same state, the same bytes. */
export function pageOf(state: ManifestState): string {
  const cluster =
    CHANNEL_NAMES.map((name) => state.channels[name]?.cluster).find((name) => name !== undefined) ?? "";
  const title = `Update manifest${cluster === "" ? "" : ` of ${cluster}`}`;
  const kinds = ["root", "targets", "snapshot", "timestamp"] as const;
  const rows = kinds.flatMap((kind) => {
    const signed = state[kind]?.signed;
    return signed === undefined ? [] : [[kind, String(signed.version), signed.expires]];
  });
  const lines = [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title>`,
    "<style>body{font:1rem/1.5 system-ui;margin:2rem}td,th{text-align:left;padding-right:1.5rem}</style></head><body>",
    `<h1>${escaped(title)}</h1>`,
    "<p>Nodes read the files beside this page and check their signatures. This page itself is not signed.</p>",
    ...CHANNEL_NAMES.flatMap((name) => channelPart(state, name)),
    "<h2>Valid until</h2>",
    table(["file", "version", "expires"], rows),
    "</body></html>",
  ];
  return `${lines.join("\n")}\n`;
}

/** The page and what belongs to it, as far as they are not there already. */
export function pageWrites(state: ManifestState): readonly ManifestWrite[] {
  const wanted = [
    { path: NO_JEKYLL, content: Buffer.alloc(0) },
    { path: PAGE, content: Buffer.from(pageOf(state)) },
  ];
  return wanted.filter(({ path, content }) => !content.equals(state.files.get(path) ?? Buffer.from("\0")));
}

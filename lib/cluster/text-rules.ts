import type { DefinitionCode } from "./failure.ts";

/** What is wrong with one text, and what to write instead. */
export interface Objection {
  readonly code: DefinitionCode;
  readonly message: string;
  readonly fix: string;
  /** True where the value is a secret and must not be shown. */
  readonly hidden?: boolean;
}

export type TextRule = (text: string) => Objection | undefined;

export const NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
export const PACKAGE_PATTERN = "^[a-z0-9][a-z0-9+.-]+$";
export const OVERLAY_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]*$";
export const VARIABLE_PATTERN = "^(?!ansible_|home_pi$|__proto__$)[A-Za-z_][A-Za-z0-9_]*$";
export const SNAPSHOT_PATTERN = "^[0-9]{8}T[0-9]{6}Z$";
export const ROLE_PATTERN = "^(\\./)?[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$";

function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern).test(text);
}

/** A DNS label made from `text`, where one can be made. */
function labelFrom(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 63);
}

/** Names of clusters, profiles and nodes become host names and parts of file names: DNS labels, lower case. */
export const objectToName: TextRule = (text) => {
  if (matches(NAME_PATTERN, text)) return undefined;
  const label = labelFrom(text);
  const example = label === "" ? "" : `: "${label}"`;
  const fix = `use a to z, 0 to 9 and - inside, at most 63${example}`;
  return { code: "NAME", message: `"${text}" is not a DNS label`, fix };
};

export const objectToPackage: TextRule = (text) => {
  if (matches(PACKAGE_PATTERN, text)) return undefined;
  const fix = text.includes("=")
    ? `write "${text.split("=")[0]}"; base.snapshot pins versions`
    : "write the name as apt knows it, for example htop";
  return { code: "PACKAGE", message: `"${text}" is not a Debian package name`, fix };
};

export const objectToOverlay: TextRule = (text) => {
  if (matches(OVERLAY_PATTERN, text)) return undefined;
  const name =
    text
      .split("/")
      .at(-1)
      ?.replace(/\.dtbo$/, "") ?? "";
  const fix = matches(OVERLAY_PATTERN, name) ? `write "${name}"` : "write its file name without .dtbo";
  return { code: "OVERLAY", message: `"${text}" is not an overlay's name`, fix };
};

export const objectToVariable: TextRule = (text) => {
  if (matches(VARIABLE_PATTERN, text)) return undefined;
  const reserved = text === "home_pi" || text.startsWith("ansible_");
  const message = reserved
    ? `the variable "${text}" is set by the build`
    : `"${text}" is not a variable name`;
  const fix = reserved ? "choose another name" : "use letters, digits and _, not a digit first";
  return { code: "VARIABLE", message, fix };
};

export const objectToRole: TextRule = (text) => {
  if (matches(ROLE_PATTERN, text)) return undefined;
  const message = `"${text}" is not a role`;
  return { code: "ROLE", message, fix: "write a folder beside this file, for example ./my-role" };
};

export const objectToSnapshot: TextRule = (text) => {
  const fix = "write a time of snapshot.debian.org, for example 20261115T000000Z";
  if (!matches(SNAPSHOT_PATTERN, text))
    return { code: "SNAPSHOT", message: `"${text}" is not a snapshot`, fix };
  const [year, month, day, , hour, minute, second] = text.match(/^\d{4}|\d{2}|T/g) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = new Date(iso);
  if (!Number.isNaN(time.getTime()) && time.toISOString() === iso) return undefined;
  return { code: "SNAPSHOT", message: `the snapshot "${text}" is no date`, fix };
};

/** A rule for texts that only have a form: `expected` reads as "not ...". */
export function textOfForm(pattern: string, expected: string, fix: string): TextRule {
  return (text) =>
    matches(pattern, text)
      ? undefined
      : { code: "WRONG_VALUE", message: `"${text}" is not ${expected}`, fix };
}

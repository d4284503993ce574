import type { Path } from "./yaml-file.ts";

const SHOWN_CHARACTERS = 60;

/** A value as the file has it, in short; never any of a private key. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  if (text.includes("PRIVATE KEY")) return "(a private key)";
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 3)}...` : text;
}

/** `profiles.agent.packages[0]`, or `the file` for the whole of it. */
export function showPath(path: Path): string {
  if (path.length === 0) return "the file";
  return path.reduce<string>(
    (shown, step) =>
      typeof step === "number"
        ? `${shown}[${step}]`
        : shown === ""
          ? String(step)
          : `${shown}.${String(step)}`,
    "",
  );
}

import { problemAt } from "./explain-issue.ts";
import type { Problem } from "./failure.ts";
import { entriesOf, valueAt } from "./raw-value.ts";
import { MAX_WAYPOINTS } from "./serial.ts";
import { objectToVariable } from "./text-rules.ts";
import { readVersion } from "./version.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** A ready-made base needs its digest, and cannot be pinned to a moment of the archive as well. */
export function checkBase(file: YamlFile): Problem[] {
  const has = (key: string): boolean => valueAt(file.value, ["base", key]) !== undefined;
  const problem = (key: string, message: string, fix: string): Problem =>
    problemAt(file, ["base", key], { code: "BASE", message, fix }, "key");
  const problems: Problem[] = [];
  if (has("url") && !has("sha256")) {
    problems.push(problem("url", `"url" without "sha256"`, `add "sha256: ..." as sha256sum prints it`));
  }
  if (has("sha256") && !has("url")) {
    problems.push(problem("sha256", `"sha256" without "url"`, `add "url: ..." of the file it belongs to`));
  }
  if (has("url") && has("snapshot")) {
    problems.push(
      problem("snapshot", `"snapshot" beside "url"`, "remove one: a ready-made base takes no packages"),
    );
  }
  return problems;
}

/** Waypoints stand in the order in which nodes run them, each once. Texts that are no versions have a problem already. */
export function checkWaypoints(file: YamlFile): Problem[] {
  const path = ["update", "waypoints"];
  const listed = valueAt(file.value, path);
  if (!Array.isArray(listed)) return [];
  const problems: Problem[] = [];
  if (listed.length > MAX_WAYPOINTS) {
    const message = `${listed.length} waypoints, ${MAX_WAYPOINTS} are allowed`;
    const fix = "remove those no node is behind any more";
    problems.push(problemAt(file, path, { code: "WAYPOINT", message, fix }, "key"));
  }
  const versions = listed.flatMap((item: unknown, index) => {
    const read = typeof item === "string" ? readVersion(item) : undefined;
    return read !== undefined && "version" in read ? [{ ...read.version, at: [...path, index] }] : [];
  });
  let latest = { text: "", serial: -1 };
  for (const { text, serial, at } of versions) {
    if (serial > latest.serial) {
      latest = { text, serial };
      continue;
    }
    const objection =
      serial === latest.serial
        ? { message: `the waypoint "${text}" is there twice`, fix: "remove one" }
        : { message: `the waypoint "${text}" comes after "${latest.text}"`, fix: "write the oldest first" };
    problems.push(problemAt(file, at, { code: "WAYPOINT", ...objection }));
  }
  return problems;
}

/** Values that YAML can say and JSON cannot, or not exactly. */
function checkJson(file: YamlFile, path: Path, value: unknown): Problem[] {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return value.flatMap((item, index) => checkJson(file, [...path, index], item));
    return entriesOf(value).flatMap(([key, item]) => checkJson(file, [...path, key], item));
  }
  if (typeof value !== "number" || Number.isSafeInteger(value)) return [];
  if (Number.isFinite(value) && !Number.isInteger(value)) return [];
  const fix = "put it in quotes to keep every digit";
  const message = `the number ${file.sourceOf(path) ?? value} cannot be kept exactly`;
  return [problemAt(file, path, { code: "VARIABLE", message, fix })];
}

/** Names and values of all `ansible.vars`. */
export function checkVars(file: YamlFile): Problem[] {
  return entriesOf(valueAt(file.value, ["profiles"])).flatMap(([profile]) => {
    const path = ["profiles", profile, "ansible", "vars"];
    return entriesOf(valueAt(file.value, path)).flatMap(([name, value]) => {
      const objection = objectToVariable(name);
      const named = objection === undefined ? [] : [problemAt(file, [...path, name], objection, "key")];
      return [...named, ...checkJson(file, [...path, name], value)];
    });
  });
}

import { checkBase, checkVars, checkWaypoints } from "./check-values.ts";
import { explainIssue, problemAt } from "./explain-issue.ts";
import type { Problem } from "./failure.ts";
import { suggest } from "./nearest.ts";
import { entriesOf, valueAt } from "./raw-value.ts";
import { clusterSchema, type Definition } from "./schema.ts";
import { showPath } from "./show.ts";
import { objectToName, objectToRole } from "./text-rules.ts";
import type { YamlFile } from "./yaml-file.ts";

/** GitHub's limit for the jobs of one matrix. */
export const MAX_BUILDS = 256;

/** What stands around the file and is referred to in it. */
export interface Surroundings {
  readonly boards: readonly string[];
  /** Roles named in the file that are no folder. */
  readonly missingRoles: ReadonlySet<string>;
}

interface RawProfile {
  /** False where the schema has already said what should stand here. */
  readonly isMap: boolean;
  readonly abstract: boolean;
  readonly extends: string | undefined;
  readonly board: string | undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  const found = valueAt(value, [key]);
  return typeof found === "string" ? found : undefined;
}

function rawProfiles(file: YamlFile): Map<string, RawProfile> {
  const profiles = entriesOf(valueAt(file.value, ["profiles"]));
  return new Map(
    profiles.map(([name, value]) => [
      name,
      {
        isMap: typeof value === "object" && value !== null && !Array.isArray(value),
        abstract: valueAt(value, ["abstract"]) === true,
        extends: textAt(value, "extends"),
        board: textAt(value, "board"),
      },
    ]),
  );
}

/** The profile and its ancestors, itself first; stops at an unknown profile or where a cycle closes. */
function chainOf(
  name: string,
  profiles: ReadonlyMap<string, RawProfile>,
): { chain: string[]; end: string | undefined } {
  const chain: string[] = [];
  let at: string | undefined = name;
  while (at !== undefined && profiles.has(at) && !chain.includes(at)) {
    chain.push(at);
    at = profiles.get(at)?.extends;
  }
  return { chain, end: at };
}

function checkNames(file: YamlFile): Problem[] {
  return ["profiles", "nodes"].flatMap((group) =>
    entriesOf(valueAt(file.value, [group])).flatMap(([name]) => {
      const objection = objectToName(name);
      return objection === undefined ? [] : [problemAt(file, [group, name], objection, "key")];
    }),
  );
}

function checkAncestors(file: YamlFile, name: string, profiles: ReadonlyMap<string, RawProfile>): Problem[] {
  const { chain, end } = chainOf(name, profiles);
  const path = ["profiles", name, "extends"];
  const parent = profiles.get(name)?.extends;
  if (parent !== undefined && !profiles.has(parent)) {
    const others = [...profiles.keys()].filter((other) => other !== name);
    const fix = suggest(parent, "profiles", others);
    return [problemAt(file, path, { code: "UNKNOWN_PROFILE", message: `unknown profile "${parent}"`, fix })];
  }
  // A cycle is told once, at the first of its profiles in the file.
  const order = [...profiles.keys()];
  const isFirst = chain.every((other) => order.indexOf(other) >= order.indexOf(name));
  if (end !== name || !isFirst) return [];
  const message = `profiles extend each other: ${[...chain, name].join(" -> ")}`;
  return [
    problemAt(file, path, { code: "INHERITANCE_CYCLE", message, fix: `remove one "extends" among them` }),
  ];
}

function checkBoards(
  file: YamlFile,
  profiles: ReadonlyMap<string, RawProfile>,
  boards: readonly string[],
): Problem[] {
  return [...profiles].flatMap(([name, profile]) => {
    if (profile.board !== undefined && !boards.includes(profile.board)) {
      const fix = suggest(profile.board, "boards", boards);
      const objection = { code: "UNKNOWN_BOARD", message: `unknown board "${profile.board}"`, fix } as const;
      return [problemAt(file, ["profiles", name, "board"], objection)];
    }
    const { chain, end } = chainOf(name, profiles);
    // An unfinished chain has a problem of its own, and so has a board that is no text.
    const unsure =
      end !== undefined || chain.some((at) => valueAt(file.value, ["profiles", at, "board"]) !== undefined);
    if (profile.abstract || !profile.isMap || unsure) return [];
    const fix = `add "board: ${boards[0] ?? "NAME"}", or "abstract: true" if it is only a parent`;
    return [
      problemAt(
        file,
        ["profiles", name],
        { code: "NO_BOARD", message: `"${name}" has no board`, fix },
        "key",
      ),
    ];
  });
}

function checkNodes(file: YamlFile, profiles: ReadonlyMap<string, RawProfile>): Problem[] {
  const buildable = [...profiles].flatMap(([name, { abstract }]) => (abstract ? [] : [name]));
  return entriesOf(valueAt(file.value, ["nodes"])).flatMap(([node, value]) => {
    const name = textAt(value, "profile");
    if (name === undefined || buildable.includes(name)) return [];
    const path = ["nodes", node, "profile"];
    const fix = suggest(name, "profiles", buildable);
    if (!profiles.has(name)) {
      return [problemAt(file, path, { code: "UNKNOWN_PROFILE", message: `unknown profile "${name}"`, fix })];
    }
    const message = `profile "${name}" is abstract: there is no image of it`;
    return [problemAt(file, path, { code: "ABSTRACT_PROFILE", message, fix })];
  });
}

function checkCount(file: YamlFile, profiles: ReadonlyMap<string, RawProfile>): Problem[] {
  const builds = [...profiles.values()].filter(({ abstract }) => !abstract).length;
  const place = file.placeOf(["profiles"], "key");
  if (builds === 0 && typeof valueAt(file.value, ["profiles"]) === "object") {
    const fix = profiles.size === 0 ? "add a profile" : `add a profile without "abstract: true"`;
    return [{ code: "NO_BUILDS", message: `nothing to build in ${showPath(["profiles"])}`, place, fix }];
  }
  if (builds <= MAX_BUILDS) return [];
  const message = `${builds} images to build, a matrix on GitHub takes ${MAX_BUILDS}`;
  const fix = "use fewer profiles: what differs by node only need not be a profile";
  return [{ code: "TOO_MANY_BUILDS", message, value: String(builds), place, fix }];
}

function checkRoles(file: YamlFile, missing: ReadonlySet<string>): Problem[] {
  return rolesIn(file).flatMap(({ path, role }) => {
    // A text that names no folder at all has a problem of its own.
    if (!missing.has(role) || objectToRole(role) !== undefined) return [];
    const fix = role.startsWith("./")
      ? `make it, with tasks/main.yml inside`
      : `write "./${role}" for a folder beside this file`;
    return [problemAt(file, path, { code: "ROLE", message: `no folder for the role "${role}"`, fix })];
  });
}

/** Every role the file names, with where. */
export function rolesIn(file: YamlFile): { path: (string | number)[]; role: string }[] {
  return entriesOf(valueAt(file.value, ["profiles"])).flatMap(([name]) => {
    const path = ["profiles", name, "ansible", "roles"];
    const roles = valueAt(file.value, path);
    return (Array.isArray(roles) ? roles : []).flatMap((role: unknown, index) =>
      typeof role === "string" ? [{ path: [...path, index], role }] : [],
    );
  });
}

/** Everything wrong with the file, and the definition when that is nothing. Pure. */
export function checkDefinition(
  file: YamlFile,
  surroundings: Surroundings,
): { readonly problems: readonly Problem[]; readonly definition: Definition | undefined } {
  if (file.value === undefined) return { problems: file.problems, definition: undefined };
  const parsed = clusterSchema.safeParse(file.value);
  const profiles = rawProfiles(file);
  const problems = [
    ...file.problems,
    ...(parsed.error?.issues ?? []).flatMap((issue) => explainIssue(file, clusterSchema, issue)),
    ...checkNames(file),
    ...checkBase(file),
    ...checkWaypoints(file),
    ...checkVars(file),
    ...[...profiles.keys()].flatMap((name) => checkAncestors(file, name, profiles)),
    ...checkBoards(file, profiles, surroundings.boards),
    ...checkNodes(file, profiles),
    ...checkCount(file, profiles),
    ...checkRoles(file, surroundings.missingRoles),
  ];
  return { problems, definition: problems.length === 0 ? parsed.data : undefined };
}

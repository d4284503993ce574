import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { readBounded } from "../external/bounded-file.ts";
import { isFolder, listFolders } from "../external/folder-digest.ts";
import { checkDefinition, rolesIn, type Surroundings } from "./check.ts";
import { type DefinitionCode, DefinitionError, throwProblems } from "./failure.ts";
import type { Definition } from "./schema.ts";
import { readYaml, type YamlFile } from "./yaml-file.ts";

/** Far more than 256 profiles need. */
export const MAX_FILE_BYTES = 256 * 1024;

export interface LoadedDefinition {
  readonly definition: Definition;
  /** The file as it is called in messages: relative to the project where it lies inside. */
  readonly file: string;
  /** Folder of the file: a user's own roles are relative to it. */
  readonly folder: string;
}

/** Where a role lies: `./name` or `a/b` beside the file, a bare name in the project's own ansible/roles. */
export function rolePath(role: string, project: string, folder: string): string {
  return role.includes("/") ? join(folder, role) : join(project, "ansible", "roles", role);
}

function shownName(file: string, project: string): string {
  const inside = relative(project, file);
  return inside.startsWith("..") || isAbsolute(inside) ? file : inside.split(sep).join("/");
}

/** The text of a file people write. Throws DefinitionError where there is none; `shown` names it in messages. */
export async function readDefinitionText(path: string, shown: string): Promise<string> {
  const fail = (code: DefinitionCode, message: string, fix: string): never => {
    throw new DefinitionError({ code, message, place: { file: shown }, fix });
  };
  const read = await readBounded(path, MAX_FILE_BYTES);
  switch (read.kind) {
    case "absent":
      return fail(
        "FILE_NOT_FOUND",
        "no such file",
        "run ./pi in the project's folder, or name one with --file",
      );
    case "folder":
      return fail("FILE_UNREADABLE", "a folder, not a file", "name the file inside it");
    case "denied":
      return fail("FILE_UNREADABLE", "you may not read it", `chmod u+r ${shown}`);
    case "too-large": {
      const limit = `${MAX_FILE_BYTES / 1024} KiB are allowed`;
      return fail(
        "FILE_TOO_LARGE",
        `${Math.ceil(read.sizeBytes / 1024)} KiB, ${limit}`,
        "is this the right file?",
      );
    }
    case "content":
      try {
        return new TextDecoder("utf-8", { fatal: true }).decode(read.bytes);
      } catch {
        return fail("FILE_UNREADABLE", "not UTF-8 text", "save it as UTF-8");
      }
  }
}

async function surroundingsOf(file: YamlFile, project: string, folder: string): Promise<Surroundings> {
  const roles = [...new Set(rolesIn(file).map(({ role }) => role))];
  const [boards, found] = await Promise.all([
    listFolders(join(project, "boards")),
    Promise.all(roles.map((role) => isFolder(rolePath(role, project, folder)))),
  ]);
  return { boards, missingRoles: new Set(roles.filter((_, index) => found[index] !== true)) };
}

/**
 * Reads and checks a definition. `project` holds boards/ and ansible/roles/, `path` (absolute) is the file,
 * usually cluster.yaml in it. Throws one DefinitionError with every problem of the file.
 */
export async function loadDefinition(
  project: string,
  path = join(project, "cluster.yaml"),
): Promise<LoadedDefinition> {
  const shown = shownName(path, project);
  const file = readYaml(await readDefinitionText(path, shown), shown);
  const folder = dirname(path);
  const { problems, definition } = checkDefinition(file, await surroundingsOf(file, project, folder));
  throwProblems(problems);
  if (definition === undefined) throw new Error(`${shown} has no definition and no problem`);
  return { definition, file: shown, folder };
}

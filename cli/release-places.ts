import { join } from "node:path";

/** Where releases go that name no other place: `store/` of the project, ignored by git. */
export function defaultStore(project: string): string {
  return join(project, "store");
}

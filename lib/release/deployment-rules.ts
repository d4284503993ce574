import type { Finding } from "../image/preflight.ts";

/** A rule of "Deployment branches and tags". */
export interface DeploymentRule {
  readonly type: "branch" | "tag";
  /** In the form of Ruby's fnmatch: a `*` does not match a slash. */
  readonly pattern: string;
}

/** Who may use an environment: everyone, branches with a protection rule, or whom a rule names. */
export type Admission = "everyone" | "protected" | readonly DeploymentRule[];

export interface Wanted {
  /** The default branch's name. */
  readonly branch: string;
  /** Whether release tags are to be admitted as well. */
  readonly tags: boolean;
}

/** Release tags of each kind: a rule that admits them admits `v*`. */
const TAGS = ["v0.1.0", "v1.2.3", "v10.20.30-beta.1"] as const;
/** No repository means a branch or tag of this name in particular. */
const ANY = "somebody-else's";

const PARTS: Readonly<Record<string, string>> = {
  "**/": "(?:.*/)?",
  "*": "[^/]*",
  "**": "[^/]*",
  "?": "[^/]",
};

/** Whether a name is one of a pattern's. Braces and classes of characters mean themselves here. */
function matches(pattern: string, name: string): boolean {
  const source = pattern.replace(/\*\*\/|\*+|\?|[^\w\s/]/g, (part) => PARTS[part] ?? `\\${part}`);
  return new RegExp(`^${source}$`).test(name);
}

const admits = (rules: readonly DeploymentRule[], type: DeploymentRule["type"], name: string): boolean =>
  rules.some((rule) => rule.type === type && matches(rule.pattern, name));

/** Refused at its end, when all is built: so it is told before. */
function notAdmitted(rules: readonly DeploymentRule[], { branch, tags }: Wanted): string[] {
  return [
    ...(tags && !TAGS.every((tag) => admits(rules, "tag", tag)) ? ["tags v*"] : []),
    ...(admits(rules, "branch", branch) ? [] : [`the branch ${branch}`]),
  ];
}

/** Who runs a workflow file of their own there gets the secrets. */
function tooMany(rules: readonly DeploymentRule[], { tags }: Wanted): string[] {
  return [
    ...(admits(rules, "branch", ANY) ? ["any branch"] : []),
    ...(!tags && rules.some(({ type }) => type === "tag") ? ["tags"] : []),
  ];
}

/** What is to be said of whom an environment admits. */
export function judgeAdmission(
  admission: Admission,
  wanted: Wanted,
): Pick<Finding, "ok" | "found" | "warning"> {
  if (admission === "everyone") return { ok: false, found: "open to every branch" };
  if (admission === "protected") {
    return wanted.tags
      ? {
          ok: false,
          found: "admits protected branches only, so no tag: publishing a release would be refused",
        }
      : { ok: false, warning: true, found: `admits protected branches only: is ${wanted.branch} one?` };
  }
  const missing = notAdmitted(admission, wanted);
  if (missing.length > 0) {
    return { ok: false, found: `does not admit ${missing.join(" and ")}: their jobs would be refused` };
  }
  const more = tooMany(admission, wanted);
  return more.length > 0
    ? { ok: false, found: `admits ${more.join(" and ")}, whose workflows could read its secrets` }
    : { ok: true, found: "limited" };
}

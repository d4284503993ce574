import prettyBytes from "pretty-bytes";
import type { AssetAction, PublishPlan } from "./reconcile.ts";

const WORDS: Readonly<Record<AssetAction["kind"], string>> = {
  remove: "remove",
  "delete-starter": "remove half upload",
  skip: "there already",
  hash: "compare",
  replace: "replace",
  upload: "upload",
  refuse: "REFUSED",
};

function head(plan: PublishPlan, place: string): string {
  if (plan.release.kind === "verify-only") return `${plan.tag} is published in ${place}: only compared`;
  const draft = plan.release.kind === "create" ? "a new draft" : `the draft ${plan.release.release.id}`;
  const latest = plan.latest ? ", and make it the latest" : "";
  return `publish ${plan.tag} to ${place} from ${draft}${latest}:`;
}

function row(action: AssetAction): readonly [string, string, string] {
  const what = WORDS[action.kind];
  if (action.kind === "refuse") return [what, action.name, action.why];
  const bytes = "wanted" in action ? action.wanted.bytes : action.stored.bytes;
  return [what, action.name, prettyBytes(bytes)];
}

/** A plan as lines for people: what is done, the file, its size. */
export function renderPlan(plan: PublishPlan, place: string): string[] {
  const rows = plan.actions.map(row);
  const width = (column: 0 | 1): number => Math.max(0, ...rows.map((cells) => cells[column].length));
  const [first, second] = [width(0), width(1)];
  return [
    head(plan, place),
    ...rows.map(([what, name, more]) => `  ${what.padEnd(first)}  ${name.padEnd(second)}  ${more}`),
  ];
}

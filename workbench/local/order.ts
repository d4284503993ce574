import { suggest } from "../../lib/cluster/nearest.ts";
import { parseVersion } from "../../lib/release/version.ts";
import { WorkbenchError } from "../act-binary.ts";

/** What somebody wants run. */
export interface Wish {
  readonly workflow: string;
  /** Of release: the tag that was pushed, such as v1.2.3. */
  readonly tag: string | undefined;
  /** Of a workflow that is started by hand. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** A run as GitHub would start it. */
export interface Order {
  /** Name of the file in .github/workflows. */
  readonly file: string;
  readonly event: "push" | "pull_request" | "workflow_dispatch";
  readonly ref: string;
  /** Tag that the event is about, which GitHub then has. */
  readonly tag: string | undefined;
  /** Version that the run is to release; whether it is one is for the workflow to say. */
  readonly releases: string | undefined;
  readonly inputs: Readonly<Record<string, string>>;
}

/** The workflows that act and the stand-ins can run, in the order of use. */
export const runnable = ["pull-request", "release", "rebuild", "manifest"] as const;
type Runnable = (typeof runnable)[number];

const BRANCH = "refs/heads/main";

function known(name: string): Runnable {
  const found = runnable.find((one) => one === name.replace(/\.yml$/, ""));
  if (found !== undefined) return found;
  throw new WorkbenchError("WORKFLOW", `no workflow ${JSON.stringify(name)} can be run here`, {
    fix: suggest(name, "workflows", runnable),
  });
}

function withoutTag(name: Runnable, tag: string): string {
  if (name === "manifest") return `name the version as an input: --input version=${tag}`;
  return name === "rebuild" ? `the workflow makes the tag: --input version=${tag}` : "leave --tag out";
}

/**
 * The event that starts a workflow, with all it needs. Throws WorkbenchError WORKFLOW for one that is not known,
 * INPUT for a tag that is missing or not taken; ReleaseError VERSION for one that is no version.
 */
export function orderOf({ workflow, tag, inputs }: Wish): Order {
  const name = known(workflow);
  const byHand = name === "rebuild" || name === "manifest";
  if (name === "release" && tag === undefined) {
    throw new WorkbenchError("INPUT", "release runs for a tag, and none was named", {
      fix: "./pi workflow release --tag v1.2.3",
    });
  }
  if (name !== "release" && tag !== undefined) {
    throw new WorkbenchError("INPUT", `${name} does not run for a tag`, { fix: withoutTag(name, tag) });
  }
  const [input] = Object.keys(inputs);
  if (!byHand && input !== undefined) {
    throw new WorkbenchError("INPUT", `${name} is not started by hand, so it takes no input ${input}`, {
      fix: "leave --input out",
    });
  }
  const file = `${name}.yml`;
  if (tag !== undefined) {
    const version = parseVersion(tag);
    const ref = `refs/tags/${version.tag}`;
    return { file, event: "push", ref, tag: version.tag, releases: version.tag, inputs };
  }
  const event = name === "pull-request" ? "pull_request" : "workflow_dispatch";
  const releases = name === "rebuild" && inputs.version !== "" ? inputs.version : undefined;
  return { file, event, ref: BRANCH, tag: undefined, releases, inputs };
}

/** `name=value` as people write it. Throws WorkbenchError INPUT. */
export function inputsFrom(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new WorkbenchError("INPUT", `${JSON.stringify(text)} is no input`, {
        fix: "write it as name=value: --input change=refresh",
      });
    }),
  );
}

import { getInput } from "@actions/core";
import type { z } from "zod";
import { ActionError } from "./failure.ts";

/** Words separated by blanks, commas or line ends, as people write lists in a workflow. */
export function listOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

function formatIssue(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): string {
  const name = issue.path.join(".");
  const value = given[name];
  return `input \`${name}\`: ${value === undefined ? "is required" : `${issue.message}, not \`${value}\``}`;
}

/**
 * All inputs of an action at once, typed. An input that is empty counts as not given, as on GitHub.
 * Throws ActionError INPUT with every wrong input, its value and what to write instead.
 */
export function readInputs<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
): z.output<z.ZodObject<Shape>> {
  const named = Object.keys(schema.shape).map((name) => [name, getInput(name)] as const);
  const given = Object.fromEntries(named.filter(([, value]) => value !== ""));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [first = "wrong inputs", ...others] = result.error.issues.map((issue) => formatIssue(issue, given));
  throw new ActionError("INPUT", first, {
    details: others,
    fix: "set it under `with:` of the step; the action's README lists all inputs",
  });
}

import { z } from "zod";

/** The input of actions that are told a version. */
export const backportInput = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .default(false)
  .describe(
    "`true` allows a version below the channel's latest: published, and no node moves to it by itself.",
  );

/** What was said about it, and how to say it: a tag's push cannot, but rebuild.yml can run on that tag. */
export function backportOf({ backport }: { readonly backport: boolean }) {
  return {
    backport,
    sayBackport: "set the input `backport` (start the workflow rebuild on the tag, with this version)",
  };
}

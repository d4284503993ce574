import { z } from "zod";

// What of GitHub's answers is used. Its description lists the states uploaded and open; the service says
// `starter` for uploads that were never finished, so any word is let in and judged where it matters.
export const githubAsset = z.object({
  id: z.int(),
  name: z.string(),
  size: z.int().nonnegative(),
  state: z.string(),
  /** `sha256:<hex>`; null for assets that GitHub has not hashed. */
  digest: z.string().nullish(),
});

export const githubRelease = z.object({
  id: z.int(),
  tag_name: z.string(),
  draft: z.boolean(),
  immutable: z.boolean().optional(),
  body: z.string().nullish(),
  html_url: z.string(),
  /** An address template: `https://uploads.../assets{?name,label}`. */
  upload_url: z.string(),
  assets: z.array(githubAsset),
});

/** What a tag or an annotated tag points at. */
export const githubTarget = z.object({ object: z.object({ type: z.string(), sha: z.string() }) });

export type GithubAsset = z.infer<typeof githubAsset>;
export type GithubRelease = z.infer<typeof githubRelease>;

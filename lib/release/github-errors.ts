import { GithubError } from "../external/github-failure.ts";
import { ReceivedFileError } from "../external/receive-file.ts";
import { UploadFileError } from "../external/upload-file.ts";
import { type ReleaseCode, ReleaseError } from "./failure.ts";

const CODES: Readonly<Record<GithubError["code"], ReleaseCode>> = {
  DENIED: "DENIED",
  NOT_FOUND: "NOT_FOUND",
  INVALID: "UPLOAD",
  LIMITED: "SERVER",
  SERVER: "SERVER",
  UNREACHABLE: "SERVER",
  ANSWER: "SERVER",
  INTERRUPTED: "INTERRUPTED",
};

/** What GitHub says to a token that may read a public repository and not write it: there is no such thing. */
const HIDDEN = {
  details: [
    "GitHub says 404 where the token may not write, and also where the commit changes files in",
    ".github/workflows that differ from the default branch, which a workflow's own token may not release",
  ],
  fix: "check the repository's name and the token's write access to contents; or merge the commit to the default branch first",
};

/** An error of GitHub's as one of the release; `doing` is `uploading X`. Others are passed on. */
export function asReleaseError(error: unknown, doing: string, place: string): unknown {
  const known =
    error instanceof GithubError || error instanceof UploadFileError || error instanceof ReceivedFileError;
  if (!known) return error;
  const message = `${doing} in ${place} failed`;
  const { fix, details } = error;
  const more = { details, cause: error, ...(fix === undefined ? {} : { fix }) };
  if (!(error instanceof GithubError)) return new ReleaseError("DIGEST", message, more);
  const writes = doing.startsWith("creating") || doing.startsWith("publishing");
  if (writes && error.code === "NOT_FOUND")
    return new ReleaseError("DENIED", message, { ...more, ...HIDDEN });
  // A release of another shape is refused for good; a file's name that is taken is looked at again.
  const code = writes && error.code === "INVALID" ? "CONFLICT" : CODES[error.code];
  return new ReleaseError(code, message, more);
}

import { UpdaterError } from "./failure.ts";

const full = { code: "SPACE", said: "data is full", fix: "make room on data" } as const;

/** What goes wrong with data under a writer, by errno. None of it is the fault of a release. */
const KNOWN = {
  ENOSPC: full,
  EDQUOT: full,
  EROFS: {
    code: "SPACE",
    said: "data is read-only",
    fix: "dmesg tells why; the card or disk may be worn out",
  },
  EIO: {
    code: "DOWNLOAD",
    said: "data cannot be read or written",
    fix: "the card or disk may be worn out: replace it",
  },
} as const;

const isKnown = (errno: unknown): errno is keyof typeof KNOWN =>
  typeof errno === "string" && Object.hasOwn(KNOWN, errno);

/** `error` in words for people where data is the reason, SPACE or DOWNLOAD; undefined: it is another one. */
export function dataFailure(error: unknown, what: string): UpdaterError | undefined {
  const errno = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof UpdaterError || !isKnown(errno)) return undefined;
  const { code, said, fix } = KNOWN[errno];
  return new UpdaterError(code, `${said}: ${what} (${errno})`, { fix, cause: error });
}

import { messageOf } from "../failure.ts";

const UNTRUSTED = "no CA that this machine trusts vouches for the server's certificate";

/** What is wrong with a certificate, by the codes Node has from OpenSSL. Its own words tell how to start Node. */
const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the server's certificate has expired by this machine's clock",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet by this machine's clock",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
};

const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
/** A certificate may have hundreds of names. */
const LONGEST_NAMES = 100;

interface SystemError extends Error {
  readonly code?: unknown;
  /** Of OTHER_NAME. */
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

/**
 * Why a server gave no answer, for people and on one line: from what Node's http, https or net threw, with its code.
 * Of a server with several addresses Node tells what each of them did, and nothing itself.
 */
export function whyNoAnswer(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return [...new Set(error.errors.map(whyNoAnswer))].join(", ");
  }
  const { code } = error instanceof Error ? (error as SystemError) : {};
  const said = wordsOf(error, code).trim() || "no reason is given";
  return typeof code !== "string" || said.includes(code) ? said : `${said} (${code})`;
}

function wordsOf(error: unknown, code: unknown): string {
  const said = messageOf(error);
  if (code === OTHER_NAME) {
    const { host = "this one", cert } = error as SystemError;
    const names = cert?.subjectaltname ?? "no name";
    const shown = names.length <= LONGEST_NAMES ? names : `${names.slice(0, LONGEST_NAMES)}...`;
    return `the server's certificate is for ${shown}, not for ${host}`;
  }
  // "write EPROTO 40D7:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../deps/..."
  const tls = /:SSL routines:[^:]*:([^:]+)/.exec(said)?.[1];
  if (tls !== undefined) return `no TLS was agreed on: ${tls}`;
  return (typeof code === "string" ? CERTIFICATE[code] : undefined) ?? said;
}

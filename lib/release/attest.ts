import type { GithubApi } from "../external/github-api.ts";
import { GithubError } from "../external/github-failure.ts";
import { claimsOf, type IdTokenSource, requestIdToken } from "../external/id-token.ts";
import { type SigstoreServices, signStatement } from "../external/sigstore.ts";
import type { World } from "../external/world.ts";
import type { Reporter } from "../progress/reporter.ts";
import { CALL_LIMITS } from "./limits.ts";
import { PAYLOAD_TYPE, provenanceStatement } from "./provenance.ts";

export interface AttestRequest {
  readonly api: Pick<GithubApi, "attest">;
  /** Undefined where the job may not have one. */
  readonly idToken: IdTokenSource | undefined;
  readonly services: SigstoreServices;
  /** `https://github.com`. */
  readonly serverUrl: string;
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[];
}

/** What an attestation came to; `why` it was left out is for people. */
export type Attested =
  | { readonly kind: "attested"; readonly id: number; readonly bundle: Readonly<Record<string, unknown>> }
  | { readonly kind: "skipped"; readonly why: string };

const AUDIENCE = "sigstore";

/**
 * Says, signed by Sigstore and kept by GitHub, which workflow and commit these files come from. Where the plan or
 * the visibility of the repository has no attestations there is one warning. Throws SigstoreError, GithubError.
 */
export async function attestProvenance(
  request: AttestRequest,
  world: Pick<World, "signal">,
  reporter: Pick<Reporter, "warn">,
): Promise<Attested> {
  const skip = (why: string): Attested => {
    reporter.warn(`no attestation of the build: ${why}; checksums and signatures are not concerned`);
    return { kind: "skipped", why };
  };
  const { api, idToken, services, serverUrl, subjects } = request;
  if (idToken === undefined) return skip("the job has no `id-token: write`");
  const token = await requestIdToken(idToken, AUDIENCE, CALL_LIMITS, world.signal);
  const statement = provenanceStatement(subjects, claimsOf(token), serverUrl);
  const bundle = await signStatement(statement, PAYLOAD_TYPE, token, services);
  try {
    return { kind: "attested", id: await api.attest(bundle), bundle };
  } catch (error) {
    const lacking = error instanceof GithubError && (error.status === 403 || error.status === 404);
    if (!lacking) throw error;
    return skip(`GitHub does not keep them for this repository (${error.status})`);
  }
}

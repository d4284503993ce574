import { Failure } from "../failure.ts";

/** Where the Sigstore services are reached that vouch for a signature. */
export interface SigstoreServices {
  readonly fulcioUrl: string;
  /** The public log of signatures; undefined: none. */
  readonly rekorUrl?: string;
  /** A timestamp authority; undefined: none. */
  readonly tsaUrl?: string;
}

export class SigstoreError extends Failure<"SIGN"> {
  readonly area = "sigstore";
}

const TIMEOUT_MS = 30_000;
const RETRIES = 3;

/**
 * Signs a statement with a key that lives for this call and the identity a token proves, as actions/attest does.
 * Returns the Sigstore bundle as JSON. Throws SigstoreError.
 */
export async function signStatement(
  statement: string,
  payloadType: string,
  idToken: string,
  services: SigstoreServices,
): Promise<Readonly<Record<string, unknown>>> {
  const [{ DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness }, { bundleToJSON }] = await Promise.all(
    [import("@sigstore/sign"), import("@sigstore/bundle")],
  );
  const patience = { timeout: TIMEOUT_MS, retry: RETRIES };
  const { fulcioUrl, rekorUrl, tsaUrl } = services;
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      identityProvider: { getToken: async () => idToken },
      fulcioBaseURL: fulcioUrl,
      ...patience,
    }),
    witnesses: [
      ...(rekorUrl === undefined
        ? []
        : [new RekorWitness({ rekorBaseURL: rekorUrl, entryType: "dsse", ...patience })]),
      ...(tsaUrl === undefined ? [] : [new TSAWitness({ tsaBaseURL: tsaUrl, ...patience })]),
    ],
  });
  try {
    const bundle = await builder.create({ data: Buffer.from(statement), type: payloadType });
    return bundleToJSON(bundle) as unknown as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new SigstoreError("SIGN", "the build's provenance could not be signed by Sigstore", {
      fix: "run the job again; attest: off releases without it",
      cause,
    });
  }
}

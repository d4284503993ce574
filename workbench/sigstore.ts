import { createHash, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Bundle } from "@sigstore/bundle";
import { bundleFromJSON } from "@sigstore/bundle";
import { fulcioHandler, initializeCA, initializeCTLog, initializeTLog, rekorHandler } from "@sigstore/mock";
import { HashAlgorithm, PublicKeyDetails, type TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";

export interface FakeSigstore {
  /** Fulcio and Rekor, and below `/token` GitHub's identity tokens. */
  readonly url: string;
  /** What a job with `id-token: write` finds in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Audiences that tokens were asked for. */
  readonly audiences: string[];
  /** Checks a bundle against these services, as a stranger would; returns the statement in it. */
  verify(bundle: unknown): unknown;
  close(): Promise<void>;
}

const REQUEST_TOKEN = "token-that-asks-for-tokens";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

interface Proposed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly proposedContent: { readonly envelope: string; readonly verifiers: string[] } };
}

/** Rekor keeps digests and signature of what is proposed to it, not the envelope; the mock would keep that. */
function asRekorKeeps(entry: object): object {
  const { apiVersion, kind, spec } = entry as Proposed;
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as {
    payload: string;
    signatures: { sig: string }[];
  };
  const hash = (content: Buffer | string) => ({
    algorithm: "sha256",
    value: createHash("sha256").update(content).digest("hex"),
  });
  return {
    apiVersion,
    kind,
    spec: {
      envelopeHash: hash(envelope),
      payloadHash: hash(Buffer.from(payload, "base64")),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    },
  };
}

/** Sigstore's own mock of its services behind real HTTP, with keys of this run. */
export async function startSigstore(claims: Readonly<Record<string, string>>): Promise<FakeSigstore> {
  const keys = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const audiences: string[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (url.pathname === "/token") {
      const allowed = request.headers.authorization === `Bearer ${REQUEST_TOKEN}`;
      const audience = url.searchParams.get("audience") ?? "";
      audiences.push(audience);
      const payload = { iss: "https://token.actions.githubusercontent.com", aud: audience, ...claims };
      const value = `${part({ alg: "none" })}.${part(payload)}.${part("")}`;
      response.writeHead(allowed ? 200 : 401, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ value }));
    }
    const handler = handlers.find(({ path }) => path === url.pathname);
    if (handler === undefined) return void response.writeHead(404).end();
    const answer = await handler.fn(Buffer.concat(chunks).toString("utf8"));
    response.writeHead(answer.statusCode, { "content-type": answer.contentType ?? "text/plain" });
    response.end(answer.response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ctlog = await initializeCTLog(keys);
  const ca = await initializeCA(keys, ctlog);
  const tlog = await initializeTLog(url, keys);
  const kept = { ...tlog, log: (proposed: object) => tlog.log(asRekorKeeps(proposed)) };
  const handlers = [fulcioHandler(ca, { strict: true }), rekorHandler(kept, { strict: true })];
  const log = (publicKey: Buffer, keyId: Buffer) => ({
    ...{ baseUrl: url, logId: { keyId }, hashAlgorithm: HashAlgorithm.SHA2_256, operator: "" },
    publicKey: {
      rawBytes: publicKey,
      keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
      validFor: { start: new Date(0) },
    },
    checkpointKeyId: undefined,
  });
  const bytes = (view: ArrayBufferView<ArrayBuffer>): Buffer => Buffer.from(view.buffer);
  const root: TrustedRoot = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log(tlog.publicKey, createHash("sha256").update(tlog.publicKey).digest())],
    ctlogs: [log(ctlog.publicKey, bytes(ctlog.logID))],
    certificateAuthorities: [
      {
        ...{ subject: { commonName: "sigstore", organization: "sigstore.mock" }, uri: url, operator: "" },
        certChain: { certificates: [{ rawBytes: bytes(ca.rootCertificate) }] },
        validFor: { start: new Date(0) },
      },
    ],
    timestampAuthorities: [],
  };
  return {
    url,
    audiences,
    environment: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
    },
    verify(json) {
      const bundle: Bundle = bundleFromJSON(json);
      new Verifier(toTrustMaterial(root)).verify(toSignedEntity(bundle));
      if (bundle.content.$case !== "dsseEnvelope") throw new Error("no statement");
      return JSON.parse(bundle.content.dsseEnvelope.payload.toString("utf8"));
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

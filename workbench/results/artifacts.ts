import type { BlobStorage } from "./blobs.ts";

export interface FakeArtifact {
  readonly id: string;
  readonly run: string;
  readonly name: string;
  readonly blob: string;
  finished: boolean;
  bytes: number;
  /** `sha256:<hex>`, as the client said. */
  digest: string | undefined;
  /** When it is to be put away; undefined: after the repository's days. */
  readonly expiresAt: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });
/** An error as twirp writes one. */
export const twirpError = (status: number, code: string, msg: string): Answer => ({
  status,
  body: { code, msg },
});

/** The artifact service, version 4, as @actions/artifact 6 speaks it: snake_case JSON. */
export function artifactService(blobs: BlobStorage, urlOf: (blob: string, name: string) => string) {
  const artifacts: FakeArtifact[] = [];
  const find = (run: string, name: unknown): FakeArtifact | undefined =>
    artifacts.find((one) => one.run === run && one.name === name);
  const missing = twirpError(404, "not_found", "artifact not found");

  async function call(method: string, run: string, body: Record<string, unknown>): Promise<Answer> {
    const found = find(run, body.name);
    switch (method) {
      case "CreateArtifact": {
        // A name can be used once in a run.
        if (found?.finished === true) {
          return twirpError(409, "already_exists", "an artifact with this name already exists");
        }
        if (found !== undefined) artifacts.splice(artifacts.indexOf(found), 1);
        const id = String(artifacts.length + 1 + Math.floor(Math.random() * 1e9));
        const expiresAt = typeof body.expires_at === "string" ? body.expires_at : undefined;
        const made = { id, run, name: String(body.name), blob: `artifact-${id}`, expiresAt };
        artifacts.push({ ...made, finished: false, bytes: 0, digest: undefined });
        blobs.add(made.blob);
        return ok({ ok: true, signed_upload_url: urlOf(made.blob, made.name) });
      }
      case "FinalizeArtifact": {
        if (found === undefined || !blobs.isFinished(found.blob)) return missing;
        found.bytes = await blobs.bytesOf(found.blob);
        if (Number(body.size) !== found.bytes) return twirpError(400, "invalid_argument", "another size");
        found.digest = typeof body.hash === "string" ? body.hash : undefined;
        found.finished = true;
        return ok({ ok: true, artifact_id: found.id });
      }
      case "ListArtifacts": {
        const wanted = artifacts.filter(
          (one) =>
            one.run === run &&
            one.finished &&
            (typeof body.name_filter !== "string" || one.name === body.name_filter) &&
            (typeof body.id_filter !== "string" || one.id === body.id_filter),
        );
        return ok({ artifacts: wanted.map(recordOf) });
      }
      case "GetSignedArtifactURL":
        return found?.finished === true ? ok({ signed_url: urlOf(found.blob, found.name) }) : missing;
      case "DeleteArtifact":
        if (found === undefined) return missing;
        artifacts.splice(artifacts.indexOf(found), 1);
        return ok({ ok: true, artifact_id: found.id });
      default:
        return twirpError(404, "bad_route", method);
    }
  }
  return { artifacts, call };
}

const recordOf = (artifact: FakeArtifact) => ({
  workflow_run_backend_id: artifact.run,
  workflow_job_run_backend_id: "job",
  database_id: artifact.id,
  name: artifact.name,
  size: String(artifact.bytes),
  created_at: new Date(0).toISOString(),
  ...(artifact.digest === undefined ? {} : { digest: artifact.digest }),
});

import type { SigstoreServices } from "../external/sigstore.ts";

export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** https://in-toto.io/Statement/v1 with https://slsa.dev/provenance/v1, as actions/attest-build-provenance writes. */
export function provenanceStatement(
  subjects: readonly { readonly name: string; readonly sha256: string }[],
  claims: Readonly<Record<string, string>>,
  serverUrl: string,
): string {
  const { repository = "", repository_id, repository_owner_id, ref, sha, workflow_ref = "", run_id } = claims;
  const [path = "", workflowRef = ""] = workflow_ref.replace(`${repository}/`, "").split("@");
  const attempt = `${serverUrl}/${repository}/actions/runs/${run_id}/attempts/${claims.run_attempt ?? "1"}`;
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "https://actions.github.io/buildtypes/workflow/v1",
        externalParameters: {
          workflow: { ref: workflowRef, repository: `${serverUrl}/${repository}`, path },
        },
        internalParameters: {
          github: {
            event_name: claims.event_name,
            repository_id,
            repository_owner_id,
            runner_environment: claims.runner_environment,
          },
        },
        resolvedDependencies: [{ uri: `git+${serverUrl}/${repository}@${ref}`, digest: { gitCommit: sha } }],
      },
      runDetails: {
        builder: { id: `${serverUrl}/${claims.job_workflow_ref ?? workflow_ref}` },
        metadata: { invocationId: attempt },
      },
    },
  });
}

/**
 * Who vouches: Sigstore's public services and their public log for a public repository, GitHub's own for others,
 * whose names do not belong into a public log. As @actions/attest chooses.
 */
export function servicesFor(visibility: string): SigstoreServices {
  return visibility === "public"
    ? { fulcioUrl: "https://fulcio.sigstore.dev", rekorUrl: "https://rekor.sigstore.dev" }
    : { fulcioUrl: "https://fulcio.githubapp.com", tsaUrl: "https://timestamp.githubapp.com" };
}

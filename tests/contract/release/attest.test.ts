import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clock } from "../../../lib/external/clock.ts";
import { openGithubApi } from "../../../lib/external/github-api.ts";
import { type AttestRequest, attestProvenance } from "../../../lib/release/attest.ts";
import { servicesFor } from "../../../lib/release/provenance.ts";
import { type FakeGithub, startGithub } from "../../../workbench/github/server.ts";
import { type FakeSigstore, startSigstore } from "../../../workbench/sigstore.ts";
import { quietReporter } from "../../unit/image/quiet-reporter.ts";

const COMMIT = "c".repeat(40);
const claims = {
  sub: "repo:someone/cluster:ref:refs/tags/v1.0.0",
  repository: "someone/cluster",
  repository_id: "7",
  repository_owner_id: "8",
  ref: "refs/tags/v1.0.0",
  sha: COMMIT,
  workflow_ref: "someone/cluster/.github/workflows/release.yml@refs/tags/v1.0.0",
  job_workflow_ref: "someone/cluster/.github/workflows/release.yml@refs/tags/v1.0.0",
  run_id: "99",
  run_attempt: "2",
  event_name: "push",
  runner_environment: "github-hosted",
};
const subjects = [{ name: "home-agent.img.zst", sha256: "a".repeat(64) }];
const world = { signal: new AbortController().signal, clock };
const limits = { stallMs: 5_000, totalMs: 20_000, maxAnswerBytes: 1024 * 1024 };

let sigstore: FakeSigstore;
let github: FakeGithub;
beforeAll(async () => {
  sigstore = await startSigstore(claims);
});
beforeEach(async () => {
  github = await startGithub();
});
afterAll(async () => {
  await sigstore.close();
});

function requestOf(change: Partial<AttestRequest> = {}): AttestRequest {
  const { apiUrl, token, repository } = github;
  return {
    api: openGithubApi({ owner: repository.owner, repo: repository.repo, token, apiUrl, limits }, world),
    idToken: {
      url: sigstore.environment.ACTIONS_ID_TOKEN_REQUEST_URL ?? "",
      token: sigstore.environment.ACTIONS_ID_TOKEN_REQUEST_TOKEN ?? "",
    },
    services: { fulcioUrl: sigstore.url, rekorUrl: sigstore.url },
    serverUrl: "https://github.com",
    subjects,
    ...change,
  };
}

describe("an attestation", () => {
  test("is kept by GitHub, and a stranger can verify which workflow and commit made the files", async () => {
    const { reporter, said } = quietReporter();
    const done = await attestProvenance(requestOf(), world, reporter);
    expect(done.kind).toBe("attested");
    const [kept] = github.repository.attestations;
    expect(sigstore.verify(kept)).toMatchObject({
      predicateType: "https://slsa.dev/provenance/v1",
      subject: [{ name: "home-agent.img.zst", digest: { sha256: "a".repeat(64) } }],
      predicate: {
        buildDefinition: {
          externalParameters: {
            workflow: {
              path: ".github/workflows/release.yml",
              ref: "refs/tags/v1.0.0",
              repository: "https://github.com/someone/cluster",
            },
          },
          resolvedDependencies: [{ digest: { gitCommit: COMMIT } }],
        },
        runDetails: { metadata: { invocationId: expect.stringMatching(/runs\/99\/attempts\/2$/) } },
      },
    });
    expect(sigstore.audiences).toContain("sigstore");
    expect(said).toEqual([]);
    expect(github.problems).toEqual([]);
  });

  test("that somebody changed does not verify", async () => {
    await attestProvenance(requestOf(), world, quietReporter().reporter);
    const forged = JSON.parse(JSON.stringify(github.repository.attestations[0])) as {
      dsseEnvelope: { payload: string };
    };
    const text = Buffer.from(forged.dsseEnvelope.payload, "base64").toString("utf8");
    const other = text.replace("a".repeat(64), "b".repeat(64));
    forged.dsseEnvelope.payload = Buffer.from(other).toString("base64");
    expect(() => sigstore.verify(forged)).toThrow();
  });

  test.each([403, 404] as const)("is left out with one warning where GitHub says %i", async (status) => {
    github.faults.push({ on: "attest", do: status === 404 ? "404" : "403" });
    const { reporter, said } = quietReporter();
    expect(await attestProvenance(requestOf(), world, reporter)).toMatchObject({ kind: "skipped" });
    expect(said).toEqual([expect.stringContaining(`for this repository (${status})`)]);
  });

  test("is left out with one warning where the job has no identity", async () => {
    const { reporter, said } = quietReporter();
    await attestProvenance(requestOf({ idToken: undefined }), world, reporter);
    expect(said).toEqual([expect.stringContaining("id-token: write")]);
  });

  test("that fails in passing is an error: nobody would miss it otherwise", async () => {
    github.faults.push({ on: "attest", do: "502" });
    await expect(attestProvenance(requestOf(), world, quietReporter().reporter)).rejects.toMatchObject({
      code: "SERVER",
    });
  });

  test("of a private repository goes into no public log", () => {
    expect(servicesFor("public").rekorUrl).toContain("rekor.sigstore.dev");
    for (const visibility of ["private", "internal"])
      expect(servicesFor(visibility).rekorUrl).toBeUndefined();
  });
});

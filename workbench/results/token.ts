const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * A token as a job of GitHub's gets one for its results service: the clients read the ids of run and job out of it.
 * Jobs of one run share `run`, and with it the artifacts.
 */
export function runtimeToken(run: string, job: string): string {
  const header = part({ alg: "none", typ: "JWT" });
  return `${header}.${part({ scp: `Actions.Results:${run}:${job}` })}.${part("no signature")}`;
}

/** The run a token is of; undefined where it is none of ours. */
export function runOf(authorization: string | undefined): string | undefined {
  const [, payload = ""] = (authorization ?? "").replace(/^Bearer /, "").split(".");
  try {
    const { scp } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as { scp: string };
    return /^Actions\.Results:([^:]+):[^:]+$/.exec(scp)?.[1];
  } catch {
    return undefined;
  }
}

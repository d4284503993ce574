import type { Command } from "commander";
import type { Finding } from "../lib/image/preflight.ts";
import type { CliContext } from "./context.ts";

function show(context: CliContext, findings: readonly Finding[]): void {
  for (const { name, ok, found, fix, warning } of findings) {
    const verdict = ok ? "ok" : warning ? "warning" : "missing";
    context.print(`${verdict.padEnd(7)}  ${name}: ${found}${ok ? "" : `\n         fix: ${fix}`}\n`);
  }
  if (findings.some(({ ok, warning }) => !ok && !warning)) process.exitCode = 1;
}

/** The settings the workflows need, as docs/github.md has them made. Throws ReleaseError STORE, DENIED. */
async function checkGithub(context: CliContext, repository: string): Promise<void> {
  const [
    { parseStore },
    { takeEnvironment },
    { openGithubApi },
    settings,
    { CALL_LIMITS },
    { ReleaseError },
  ] = await Promise.all([
    import("../lib/release/open-store.ts"),
    import("./release-places.ts"),
    import("../lib/external/github-api.ts"),
    import("../lib/release/github-settings.ts"),
    import("../lib/release/limits.ts"),
    import("../lib/release/failure.ts"),
  ]);
  const name = parseStore(`github:${repository}`);
  if (name.kind !== "github") throw new Error(`${repository} is no repository`);
  const { GITHUB_TOKEN: token = "", GITHUB_API_URL: apiUrl = "https://api.github.com" } = takeEnvironment(
    process.env,
  );
  if (token === "") {
    throw new ReleaseError("DENIED", `there is no token for github.com/${repository}`, {
      fix: "GITHUB_TOKEN=$(gh auth token) ./pi doctor --github OWNER/REPO",
    });
  }
  const { owner, repo } = name;
  const api = openGithubApi({ owner, repo, token, apiUrl, limits: CALL_LIMITS }, context.world);
  const findings = await settings
    .readSettings(api)
    .then(settings.judgeSettings, (error: unknown) => [settings.deniedFinding(error)]);
  show(context, findings);
}

export function register(program: Command, context: CliContext): void {
  program
    .command("doctor")
    .description("check that this machine can build, and say what is missing")
    .option("--github <OWNER/REPO>", "check the settings of a repository on GitHub instead (GITHUB_TOKEN)")
    .action(async (flags: { readonly github?: string }) => {
      if (flags.github !== undefined) return checkGithub(context, flags.github);
      const { judgeMachine, readMachine } = await import("../lib/image/preflight.ts");
      const findings = judgeMachine(await readMachine({ ...context, askArchive: "always" }));
      show(context, findings);
    });
}

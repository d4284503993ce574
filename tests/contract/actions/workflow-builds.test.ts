import { describe, expect, test } from "vitest";
import { jobs, steps } from "./workflow-files.ts";

describe("what builds where", () => {
  /** GitHub's expression `a || b || 'c'`, as GitHub computes it. */
  function chosen(expression: string, given: Readonly<Record<string, string>>): string {
    const parts = expression.replace(/^\$\{\{ | \}\}$/g, "").split(" || ");
    return (
      parts.map((part) => /^'(.*)'$/.exec(part)?.[1] ?? given[part] ?? "").find((text) => text !== "") ?? ""
    );
  }
  const builders = jobs.filter(({ job }) => job.steps.some(({ uses }) => uses === "./actions/build-image"));

  test.each([
    [{}, "ubuntu-24.04-arm", "packer", "natively"],
    [{ "vars.PI_RUNNER": "ubuntu-24.04" }, "ubuntu-24.04", "packer", "under emulation"],
    [{ "vars.PI_BUILDER": "chroot" }, "ubuntu-24.04-arm", "chroot", "natively"],
    [
      { "vars.PI_RUNNER": "ubuntu-24.04", "vars.PI_BUILDER": "chroot" },
      "ubuntu-24.04",
      "chroot",
      "under emulation",
    ],
  ])("with %j every image is built on %s by %s, %s", (given, runner, builder, how) => {
    expect(builders.map(({ file }) => file).sort()).toEqual([
      ...["main.yml", "pull-request.yml", "rebuild.yml", "release.yml"],
    ]);
    for (const { file, job } of builders) {
      const runsOn = chosen(job["runs-on"] ?? "", given);
      const steps = job.steps.filter(({ with: of }) => of?.builder !== undefined);
      expect(runsOn, file).toBe(runner);
      expect(steps.map((step) => chosen(String(step.with?.builder), given))).toEqual([builder, builder]);
      // build-image registers an interpreter for arm64 programs where the machine is none: lib/image/binfmt.ts.
      expect(runsOn.endsWith("-arm") ? "natively" : "under emulation").toBe(how);
    }
  });

  test.each([
    [{}, "raspi3b"],
    [{ "vars.PI_MACHINE": "virt" }, "virt"],
  ])("with %j every image boots on %s", (given, machine) => {
    const boots = steps.filter(({ step }) => step.uses === "./actions/boot-image");
    expect(boots.map(({ step }) => chosen(String(step.with?.machine), given))).toEqual(
      builders.map(() => machine),
    );
  });

  test("every boot leaves its console log, which is what says why one failed", () => {
    const boots = steps.filter(({ step }) => step.uses === "./actions/boot-image");
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub's.
    const name = "boot-${{ matrix.id }}";
    expect(boots.map(({ where, step }) => [where, step.with?.artifact])).toEqual(
      builders.map(({ file }) => [`${file} image`, name]),
    );
  });

  test("a preview is put away after some days: one comes every week", () => {
    const kept = steps.filter(({ step }) => step.uses === "./actions/build-image" && step.with?.artifact);
    expect(kept.map(({ where, step }) => [where, step.with?.["retention-days"]])).toEqual([
      ["rebuild.yml image", 5],
      // What a release is made of stays until the run has succeeded, however often it is run again.
      ["release.yml image", undefined],
    ]);
  });

  test("a person's choice goes before the repository's", () => {
    const given = { "inputs.runner": "ubuntu-24.04", "vars.PI_RUNNER": "mine", "inputs.builder": "chroot" };
    for (const { file, job } of builders.filter((one) => /^(rebuild|release)/.test(one.file))) {
      expect(chosen(job["runs-on"] ?? "", given), file).toBe("ubuntu-24.04");
      const build = job.steps.find(({ uses }) => uses === "./actions/build-image");
      expect(chosen(String(build?.with?.builder), given), file).toBe("chroot");
    }
  });
});

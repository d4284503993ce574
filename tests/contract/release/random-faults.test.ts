import fc from "fast-check";
import { expect, it } from "vitest";
import type { Fault } from "../../../workbench/github/faults.ts";
import { startGithub } from "../../../workbench/github/server.ts";
import { scratchFolder } from "../../unit/external/scratch-folder.ts";
import { COMMIT, detailsOf, githubStoreOf, publish, threeFiles } from "./scene.ts";

const scratch = scratchFolder();
const RUNS = 6;

const uploads = fc.constantFrom<Fault>(
  ...(
    [
      "502-with-starter",
      "500-at-start",
      "reset",
      "422-already-exists",
      "spoilt",
      "no-digest",
      "worked-502",
    ] as const
  ).map((how): Fault => ({ on: "upload", do: how })),
);
const calls = fc
  .record({
    on: fc.constantFrom("list", "create", "publish", "assets", "delete", "ref", "download"),
    do: fc.constantFrom("502", "worked-502", "secondary-limit"),
  })
  .map(
    (fault): Fault =>
      fault.do === "secondary-limit" ? { ...fault, do: fault.do, status: 403 } : { ...fault, do: fault.do },
  );

it("whatever few things go wrong at GitHub, one run ends with everything in its place", async () => {
  const files = threeFiles((name) => scratch.join(name));
  await fc.assert(
    // Four at most: a thing that fails five times is given up for this run.
    fc.asyncProperty(fc.array(fc.oneof(uploads, calls), { maxLength: 4 }), async (faults) => {
      const fake = await startGithub();
      try {
        fake.repository.tags.set("v1.0.0", { commit: COMMIT, annotated: true });
        fake.faults.push(...faults);
        await publish(githubStoreOf(fake), detailsOf("v1.0.0"), files);
        const published = fake.repository.releases.filter(({ draft }) => !draft);
        expect(published).toHaveLength(1);
        const there = published[0]?.assets.map(({ name, sha256, state }) => `${name} ${sha256} ${state}`);
        const wanted = files.map(({ name, sha256 }) => `${name} ${sha256} uploaded`);
        expect(there?.sort()).toEqual(wanted.sort());
        expect(fake.problems).toEqual([]);
      } finally {
        await fake.close();
      }
    }),
    { numRuns: RUNS },
  );
});

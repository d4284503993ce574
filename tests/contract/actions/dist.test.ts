import { beforeAll, expect, test } from "vitest";
import { actionNames } from "../../../scripts/build-actions.ts";
import { type Generated, generatedFiles, staleFiles } from "../../../scripts/check-dist.ts";

let generated: readonly Generated[];
beforeAll(async () => {
  generated = await generatedFiles();
}, 60_000);

test("what is generated and committed is what the sources give (else: the command it names)", async () => {
  expect(await staleFiles(generated)).toEqual([]);
});

test("all of it is compared: where nothing is committed, all of it is missing", async () => {
  const stale = await staleFiles(generated, "/nowhere");
  const bundles = (await actionNames()).map((name) => `actions/${name}/dist/index.js`);
  const schemas = ["channel", "cluster", "identity"].map((name) => `schema/${name}.schema.json`);
  expect(stale.map(({ path }) => path)).toEqual(
    expect.arrayContaining([...bundles, ...schemas, "updater/dist/node-update.mjs"]),
  );
  expect(stale.find(({ path }) => path.startsWith("updater/"))?.fix).toBe("node scripts/build-updater.ts");
});

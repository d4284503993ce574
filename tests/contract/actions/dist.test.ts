import { expect, test } from "vitest";
import { staleBundles } from "../../../scripts/check-dist.ts";

test("the committed bundles are what the sources give (else: node scripts/build-actions.ts)", async () => {
  expect(await staleBundles()).toEqual([]);
});

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { asset, assetsRoot } from "../../../lib/external/assets.ts";

it("finds this repository from the sources", () => {
  expect(assetsRoot).toBe(resolve(import.meta.dirname, "../../.."));
  expect(asset("boards", "rpi-arm64")).toBe(join(assetsRoot, "boards/rpi-arm64"));
  for (const folder of ["ansible", "boards", "packer", "tools"]) expect(existsSync(asset(folder))).toBe(true);
});

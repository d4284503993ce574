import { describe, expect, it } from "vitest";
import { packagesOfBill } from "../../../lib/diff/bill.ts";
import { sbom } from "../../../lib/image/build/sbom.ts";

describe("a bill of materials", () => {
  it("names packages as an image's own records do, and firmware by name", async () => {
    const text = await sbom({
      ...{ name: "home-agent-rpi-arm64", buildId: "0".repeat(64), epoch: 1_760_000_000 },
      packages: [
        { name: "libstdc++6", version: "1:14.2.0-19+b1", architecture: "arm64", source: "gcc-14" },
        { name: "tzdata", version: "2025b-4", architecture: "all", source: "tzdata" },
      ],
      firmware: [{ name: "raspi-firmware", version: "1:1.20250430+ds-1", source: "raspi-firmware" }],
    });
    expect([...packagesOfBill(text, "a.cdx.json")].sort()).toEqual([
      ["libstdc++6:arm64", { version: "1:14.2.0-19+b1" }],
      ["raspi-firmware", { version: "1:1.20250430+ds-1" }],
      ["tzdata:all", { version: "2025b-4" }],
    ]);
  });

  it.each(["", "{}", '{"bomFormat":"SPDX","components":[]}'])("is not %j", (text) => {
    expect(() => packagesOfBill(text, "a.cdx.json")).toThrow(
      expect.objectContaining({ code: "BILL", place: { file: "a.cdx.json" } }),
    );
  });
});

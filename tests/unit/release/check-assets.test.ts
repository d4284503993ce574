import { describe, expect, it } from "vitest";
import { describeFailure } from "../../../lib/failure.ts";
import { checkAssets } from "../../../lib/release/check-assets.ts";
import { ReleaseError } from "../../../lib/release/failure.ts";
import type { WantedAsset } from "../../../lib/release/store.ts";
import { wantedAsset } from "./samples.ts";

function refusal(assets: readonly WantedAsset[]): { code: string; text: string } | undefined {
  try {
    checkAssets(assets);
    return undefined;
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    return { code: error.code, text: describeFailure(error).join("\n") };
  }
}

describe("the files of a release", () => {
  it.each(["home-agent-rpi-arm64-v1.2.3-rc.1.img.zst", "SHA256SUMS", "SHA256SUMS.p7s", "a_b", "0"])(
    "may be called %s",
    (name) => {
      expect(refusal([wantedAsset(name)])).toBeUndefined();
    },
  );

  it.each(["", ".a", "a.", "a b", "ä", "a+b", "../a", "a/b", "-a", "a~", "notes.md", "x".repeat(256)])(
    "may not be called %j",
    (name) => {
      expect(refusal([wantedAsset("fine"), wantedAsset(name)])).toMatchObject({ code: "NAME" });
    },
  );

  it("have names that differ by more than case, and all that do not are told", () => {
    const found = refusal(["Sums", "sUMS", "b", "B", "c"].map((name) => wantedAsset(name)));
    expect(found?.code).toBe("NAME");
    expect(found?.text).toContain("sUMS: the same as Sums");
    expect(found?.text).toContain("B: the same as b");
  });

  it("are smaller than 2 GiB each", () => {
    expect(refusal([wantedAsset("a", { bytes: 2 ** 31 - 1 })])).toBeUndefined();
    const found = refusal([wantedAsset("a", { bytes: 2 ** 31 })]);
    expect(found?.code).toBe("TOO_LARGE");
    expect(found?.text).toContain("a: 2147483648 bytes");
  });

  it("are a thousand at most", () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => wantedAsset(`a${at}`));
    expect(refusal(many(1000))).toBeUndefined();
    expect(refusal(many(1001))).toMatchObject({ code: "TOO_MANY" });
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainRefusal, GithubError } from "../../../lib/external/github-failure.ts";
import { ReleaseError } from "../../../lib/release/failure.ts";
import { countRetries, waitBefore } from "../../../lib/release/retry.ts";
import { quietReporter } from "../image/quiet-reporter.ts";

const NOW = 1_700_000_000_000;
const refused = (status: number, headers: Record<string, string> = {}, said = "no") =>
  explainRefusal({ what: "POST /x", status, headers, said }, NOW);

describe("what GitHub refuses", () => {
  it.each([
    [401, {}, "no", "DENIED", undefined],
    [403, {}, "Resource not accessible by integration", "DENIED", undefined],
    [403, { "retry-after": "7" }, "no", "LIMITED", 7_000],
    [403, {}, "You have exceeded a secondary rate limit", "LIMITED", 60_000],
    [429, {}, "no", "LIMITED", 60_000],
    [403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000030" }, "no", "LIMITED", 31_000],
    [403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }, "no", "LIMITED", 1_000],
    [404, {}, "Not Found", "NOT_FOUND", undefined],
    [422, { "retry-after": "7" }, "no", "INVALID", undefined],
    [502, {}, "no", "SERVER", undefined],
  ])("%d with %j, %j: %s, wait %s", (status, headers, said, code, retryAfterMs) => {
    expect(refused(status, headers, said)).toMatchObject({ code, retryAfterMs, status });
  });
});

describe("the wait before another try", () => {
  it.each([
    [1, undefined, 0, 2_000],
    [2, undefined, 0, 4_000],
    [3, undefined, 1, 10_000],
    [4, undefined, 0, 16_000],
    [1, 77_000, 0, 77_000],
    [4, 1_000, 0, 16_000],
  ])("after %d failures, asked for %s, chance %d: %d ms", (failed, asked, random, waitMs) => {
    expect(waitBefore(failed, asked, random)).toBe(waitMs);
  });

  it("is never shorter than the server asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.nat(900_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failed, asked, random) => {
          expect(waitBefore(failed, asked, random)).toBeGreaterThanOrEqual(asked);
        },
      ),
    );
  });
});

describe("tries", () => {
  const retries = (waits: number[]) => {
    const sleep = async (ms: number) => void waits.push(ms);
    const patience = {
      clock: { now: () => 0, elapsed: () => 0, sleep },
      signal: new AbortController().signal,
      random: () => 0,
    };
    return countRetries(patience, quietReporter().reporter);
  };

  it("end with the fifth failure of one thing; others count for themselves", async () => {
    const waits: number[] = [];
    const { again } = retries(waits);
    const error = new ReleaseError("SERVER", "no");
    for (let failed = 1; failed < 5; failed += 1) await again("a", error);
    await again("b", error);
    await expect(again("a", error)).rejects.toBe(error);
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 2_000]);
  });

  it.each(["DENIED", "CONFLICT", "NAME", "STORE", "DIGEST", "INTERRUPTED"] as const)(
    "are not made after %s",
    async (code) => {
      const error = new ReleaseError(code, "no");
      await expect(retries([]).again("a", error)).rejects.toBe(error);
    },
  );

  it("are not made for a server that wants to be left alone too long, nor after a bug", async () => {
    const cause = new GithubError("LIMITED", "later", { retryAfterMs: 16 * 60_000 });
    const error = new ReleaseError("SERVER", "no", { cause });
    await expect(retries([]).again("a", error)).rejects.toBe(error);
    const bug = new TypeError("bug");
    await expect(retries([]).again("a", bug)).rejects.toBe(bug);
  });
});

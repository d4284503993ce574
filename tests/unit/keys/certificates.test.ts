import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isDevelopmentCa, issueCa, issueLeaf, throwAway } from "../../../lib/keys/certificates.ts";
import { KeyError } from "../../../lib/keys/failure.ts";

const now = new Date("2026-11-20T10:15:00.500Z");
const ca = await issueCa({ cluster: "home", now });
const leaf = await issueLeaf(ca.certificate, createPrivateKey(ca.privateKey), now);
const read = (issued: { certificate: string }) => new X509Certificate(issued.certificate);

describe("certificates", () => {
  it("are named for people, and valid for machines whose clock is years behind", () => {
    expect(read(ca).subject).toBe("CN=home: Home Pi Cluster CA");
    expect(read(leaf).subject).toBe("CN=home: Home Pi Cluster signing");
    expect(read(leaf).issuer).toBe(read(ca).subject);
    expect(read(ca).validFromDate).toEqual(new Date("2020-01-01T00:00:00Z"));
    expect(read(ca).validToDate).toEqual(new Date("2056-11-20T10:15:00Z"));
    expect(read(leaf).validFromDate).toEqual(new Date("2020-01-01T00:00:00Z"));
    expect(read(leaf).validToDate).toEqual(new Date("2036-11-20T10:15:00Z"));
  });

  it("have random serial numbers", async () => {
    const serials = [ca, leaf, await issueCa({ cluster: "home", now })].map((one) => read(one).serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it("say it where nobody stands up for them", async () => {
    const development = await issueCa({ cluster: "home", now, standing: "development" });
    expect(read(development).subject).toBe("CN=home: Home Pi Cluster development CA");
    expect(isDevelopmentCa(read(development))).toBe(true);
    expect(isDevelopmentCa(read(ca))).toBe(false);
    const job = await throwAway(now, "home");
    expect(read(job).subject).toBe("CN=home: Home Pi Cluster throw-away signing");
    expect(isDevelopmentCa(new X509Certificate(job.ca))).toBe(false);
  });

  it("of a cluster called development are not taken for such", async () => {
    expect(isDevelopmentCa(read(await issueCa({ cluster: "development", now })))).toBe(false);
  });

  it("keep names within the 64 characters there are", async () => {
    const long = await issueCa({ cluster: "a".repeat(63), now, standing: "development" });
    const below = await issueLeaf(long.certificate, createPrivateKey(long.privateKey), now);
    for (const one of [long, below]) expect(read(one).subject.length - "CN=".length).toBeLessThanOrEqual(64);
    expect(isDevelopmentCa(read(long))).toBe(true);
  });

  it("are not made by a machine that believes it is 1970", async () => {
    const error = await issueCa({ cluster: "home", now: new Date(0) }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ code: "CLOCK", message: "this machine's clock says 1970-01-01" });
  });
});

import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { signDetached, verifyDetached } from "../../../lib/keys/cms.ts";
import { openKeys } from "../../../lib/keys/open.ts";
import { planSigningRotation, rotateSigning } from "../../../lib/keys/rotate.ts";
import { NOW, newKeys } from "./key-folder.ts";

const LATER = new Date("2027-11-20T10:15:00Z");
const content = Buffer.from("0 a\n");
const identityIn = async (folder: string) =>
  (await openKeys({ folder, publicFolder: folder })).signing(LATER);

describe("a new signing certificate", () => {
  it("takes the place of the old one, which is kept and whose signatures hold", async () => {
    const folder = await newKeys();
    const before = await identityIn(folder);
    const signature = await signDetached(content, before);
    await rotateSigning(folder, LATER);
    const after = await identityIn(folder);
    expect(after.certificate).not.toBe(before.certificate);
    expect(after.ca).toBe(before.ca);
    for (const one of [signature, await signDetached(content, after)]) {
      await verifyDetached(content, one, before.ca, { now: LATER });
    }
    const kept = (name: string) => readFile(join(folder, name), "utf8");
    expect(await kept("signing-until-2027-11-20T10-15-00Z.pem")).toBe(before.certificate);
    expect(await kept("signing-key-until-2027-11-20T10-15-00Z.pem")).toBe(before.privateKey);
    expect((await readdir(folder)).filter((name) => name.includes("next"))).toEqual([]);
  });

  it("is in use, or the old one is, behind whichever step a run ends", async () => {
    const steps = (await planSigningRotation(await newKeys(), LATER)).length;
    expect(steps).toBe(6);
    const used: string[] = [];
    for (let done = 0; done <= steps; done += 1) {
      const folder = await newKeys();
      const before = await identityIn(folder);
      for (const step of (await planSigningRotation(folder, LATER)).slice(0, done)) await step.carryOut();
      const between = await identityIn(folder);
      await verifyDetached(content, await signDetached(content, between), between.ca, { now: LATER });
      used.push(between.certificate === before.certificate ? "old" : "new");
      // And the next one comes to its end, without losing the one that was in use.
      await rotateSigning(folder, new Date(LATER.getTime() + 1000));
      const last = await identityIn(folder);
      expect([before.certificate, between.certificate]).not.toContain(last.certificate);
      const kept = await readFile(join(folder, "signing-key-until-2027-11-20T10-15-01Z.pem"), "utf8");
      expect(kept).toBe(between.privateKey);
    }
    expect(used).toEqual(["old", "old", "old", "old", "old", "new", "new"]);
  });

  it("heals a pair of which one half is lost", async () => {
    const folder = await newKeys();
    await rm(join(folder, "signing.pem"));
    await rotateSigning(folder, LATER);
    expect((await identityIn(folder)).certificate).toContain("BEGIN CERTIFICATE");
  });

  it("needs the CA's key", async () => {
    const [folder, other] = [await newKeys(), await newKeys()];
    await rm(join(folder, "ca-key.pem"));
    await expect(rotateSigning(folder, NOW)).rejects.toThrow(
      expect.objectContaining({
        code: "MISSING",
        message: `the CA's key is missing: there is no ${join(folder, "ca-key.pem")}`,
      }),
    );
    await rm(join(other, "ca.pem"));
    await expect(rotateSigning(other, NOW)).rejects.toThrow(expect.objectContaining({ code: "MISSING" }));
  });
});

import { createHash, generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bufferOf, encodeCertificate, libraries } from "../../../lib/keys/certificate-form.ts";
import { issueCa, throwAway } from "../../../lib/keys/certificates.ts";
import { signDetached, verifyCommands, verifyDetached } from "../../../lib/keys/cms.ts";
import { oids } from "../../../lib/keys/oids.ts";
import { toPem } from "../../../lib/keys/pem.ts";
import { emptyFolder, NOW } from "./key-folder.ts";
import { flips, shell, succeeds, takenOf } from "./openssl.ts";

const IMAGE = Buffer.from("an image\n");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const SUMS = Buffer.from(`${sha256(IMAGE)}  home.img.zst\n${"0".repeat(64)}  not-downloaded.raucb\n`);
// Any bit of a byte may turn over: each run tries others.
const seed = Math.floor(Math.random() * 8);
const someBit = (position: number): number => (position * 5 + seed) % 8;

/** A download with all its files, as a person has it. */
async function download(cluster = "home") {
  const folder = await emptyFolder();
  const identity = await throwAway(NOW, cluster);
  const signature = await signDetached(SUMS, identity);
  await writeFile(join(folder, "ca.pem"), identity.ca);
  await writeFile(join(folder, "leaf.pem"), identity.certificate);
  await writeFile(join(folder, "home.img.zst"), IMAGE);
  await writeFile(join(folder, "SHA256SUMS"), SUMS);
  await writeFile(join(folder, "SHA256SUMS.p7s"), signature);
  const commands = verifyCommands({ ca: "ca.pem", signatureSha256: sha256(signature) });
  const [same = "", signed = "", sums = ""] = commands;
  return { folder, identity, signature, commands, same, signed, sums };
}

describe("the certificates", () => {
  it("hold before openssl at its strictest, for signing mail and for nothing else", async () => {
    const { folder } = await download("a".repeat(63));
    const verify = (more: string) => succeeds(`openssl verify -CAfile ca.pem ${more} leaf.pem`, folder);
    expect(await verify("-x509_strict -purpose smimesign")).toBe(true);
    expect(await verify("-purpose sslserver")).toBe(false);
    expect(await verify("-purpose sslclient")).toBe(false);
    // A Pi that starts with a clock some years behind, and one that starts at the epoch.
    expect(await verify(`-attime ${Date.UTC(2021, 0) / 1000}`)).toBe(true);
    expect(await verify("-attime 0")).toBe(false);
  });

  it("say to openssl what they are for", async () => {
    const { folder } = await download();
    const text = (name: string) => shell(`openssl x509 -in ${name} -noout -text`, folder);
    const ca = (await text("ca.pem")).replace(/\s+/g, " ");
    expect(ca).toContain("Basic Constraints: critical CA:TRUE, pathlen:0");
    expect(ca).toContain("Key Usage: critical Certificate Sign, CRL Sign");
    const leaf = (await text("leaf.pem")).replace(/\s+/g, " ");
    expect(leaf).toContain("Basic Constraints: critical CA:FALSE");
    expect(leaf).toContain("Key Usage: critical Digital Signature");
    expect(leaf).toContain("Extended Key Usage: Code Signing, E-mail Protection");
    const own = /Subject Key Identifier: ([0-9A-F:]{59})/.exec(ca)?.[1];
    expect(leaf).toContain(`Authority Key Identifier: ${own ?? "none"}`);
  });
});

describe("both usages of a leaf", () => {
  it("are needed: openssl refuses signed mail of one that is for code only", async () => {
    const { folder } = await download();
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const form = {
      from: new Date("2020-01-01"),
      until: new Date("2040-01-01"),
      publicKey,
      signedWith: privateKey,
    };
    const ca = await encodeCertificate({ ...form, commonName: "a", issuer: undefined, extendedKeyUsage: [] });
    const [{ Certificate }] = await libraries();
    const issuer = Certificate.fromBER(bufferOf(ca));
    const accepts = async (...extendedKeyUsage: string[]) => {
      const leaf = await encodeCertificate({ ...form, commonName: "b", issuer, extendedKeyUsage });
      await writeFile(join(folder, "ca.pem"), toPem("certificate", ca));
      await writeFile(join(folder, "leaf.pem"), toPem("certificate", leaf));
      return succeeds("openssl verify -CAfile ca.pem -purpose smimesign leaf.pem", folder);
    };
    expect(await accepts(oids.codeSigning)).toBe(false);
    expect(await accepts(oids.codeSigning, oids.emailProtection)).toBe(true);
  });
});

describe("the commands people run", () => {
  it("take a good download, and say it", async () => {
    const { folder, commands } = await download();
    const said = await shell(commands.map((command) => `${command} 2>&1`).join(" && "), folder);
    expect(said).toContain("SHA256SUMS.p7s: OK");
    expect(said).toMatch(/successful/i);
    expect(said).toContain("home.img.zst: OK");
    expect(verifyCommands({ ca: "keys/ca.pem" })).toEqual([
      "openssl cms -verify -binary -inform DER -in SHA256SUMS.p7s -content SHA256SUMS -CAfile keys/ca.pem -no-CApath -no-CAstore -out /dev/null",
      "sha256sum --check --ignore-missing SHA256SUMS",
    ]);
  });

  it("refuse an image, and checksums, of which one byte is another", async () => {
    const { folder, signed, sums } = await download();
    const command = signed.replace("-content SHA256SUMS", "-content $f");
    expect(await takenOf([SUMS, ...flips(SUMS, someBit)], command, folder)).toEqual([0]);
    for (const changed of flips(IMAGE, someBit)) {
      await writeFile(join(folder, "home.img.zst"), changed);
      expect(await succeeds(sums, folder)).toBe(false);
    }
  });

  it("refuse a signature of another CA, also of one this machine trusts", async () => {
    const { folder, identity, signed } = await download();
    const trusted = await emptyFolder();
    await writeFile(join(trusted, "ca.pem"), identity.ca);
    await shell("openssl rehash .", trusted);
    await writeFile(join(folder, "ca.pem"), (await issueCa({ cluster: "home", now: NOW })).certificate);
    const machine = { SSL_CERT_DIR: trusted };
    expect(await succeeds(signed, folder, machine)).toBe(false);
    // What the two options are for.
    const careless = signed.replace(" -no-CApath -no-CAstore", "");
    expect(await succeeds(careless, folder, machine)).toBe(true);
    expect(await succeeds(careless, folder)).toBe(false);
  });
});

/** Where openssl 3.0 does not look, in the form of lib/keys/cms-form.ts: what stands there, and after what. */
function unread(signature: Buffer, leaf: Buffer): Set<number> {
  const leafAt = signature.indexOf(leaf);
  const signerAt = leafAt + leaf.length;
  const algorithm = signature.lastIndexOf(Buffer.from("06082a8648ce3d040302", "hex"));
  const attributes = signerAt + 44;
  const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);
  return new Set([
    ...[25, signerAt + 8], // version numbers
    ...range(45, 9), // the content type
    ...range(algorithm + 2, 8), // the name of the signature's algorithm
    // One bit of the tags of sets: the digest algorithms, the certificates, the signers, the signed attributes ...
    ...[26, leafAt - 4, signerAt, attributes],
    // ... and the values of the two.
    ...[attributes + 15, attributes + 41],
  ]);
}

describe("a signature of which one bit is another, at each byte", () => {
  it("is refused by verifyDetached and by the digest; openssl overlooks what means nothing", async () => {
    const { folder, identity, signature, same, signed } = await download();
    const changed = flips(signature, someBit);
    const openssl = signed.replace("-in SHA256SUMS.p7s", "-in $f");
    // They run while we look at the same bytes ourselves.
    const taking = takenOf([...changed, signature], openssl, folder);
    for (const der of changed) {
      await expect(verifyDetached(SUMS, der, identity.ca, { now: NOW })).rejects.toThrow(
        expect.objectContaining({ area: "keys", message: expect.stringContaining("SHA256SUMS.p7s") }),
      );
    }
    const taken = await taking;
    expect(taken.pop()).toBe(signature.length);
    const leaf = Buffer.from(identity.certificate.replace(/-----[A-Z ]+-----|\n/g, ""), "base64");
    const harmless = unread(signature, leaf);
    expect(taken.filter((at) => !harmless.has(at))).toEqual([]);
    expect(harmless.size).toBe(25);
    const digest = same.replace("SHA256SUMS.p7s", "$f");
    const overlooked = taken.map((at) => changed[at] ?? signature);
    expect(await takenOf([signature, ...overlooked], digest, folder)).toEqual([0]);
  });
});

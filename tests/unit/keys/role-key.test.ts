import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { toPem } from "../../../lib/keys/pem.ts";
import { keyIdOf, roleKey } from "../../../lib/keys/role-key.ts";

/** RFC 8032, 7.1, test 1. */
const SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const PKCS8_HEAD = "302e020100300506032b657004220420";
const SIGNATURE_OF_NOTHING =
  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

const pem = (text: string) => ({ text, what: "the key root-1", where: "/keys/root-1.pem" });
const key = roleKey("root-1", pem(toPem("private key", Buffer.from(PKCS8_HEAD + SEED, "hex"))));

it("has the id that securesystemslib 1.6 computes", () => {
  expect(key.publicHex).toBe(PUBLIC);
  expect(key.keyId).toBe("74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916");
  expect(keyIdOf(PUBLIC)).toBe(key.keyId);
});

it("signs as RFC 8032 says", () => {
  expect(key.sign(Buffer.alloc(0)).toString("hex")).toBe(SIGNATURE_OF_NOTHING);
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(PUBLIC, "hex")]);
  const publicKey = createPublicKey({ key: spki, format: "der", type: "spki" });
  expect(verify(null, Buffer.from("x"), publicKey, key.sign(Buffer.from("x")))).toBe(true);
});

it("shows nothing of its private half", () => {
  const shown = inspect(key, { depth: null, showHidden: true }) + JSON.stringify(key);
  expect(shown).not.toContain(SEED);
  expect(Object.keys(key).sort()).toEqual(["keyId", "name", "publicHex", "sign"]);
});

it.each([
  ["rsa", generateKeyPairSync("rsa", { modulusLength: 1024 })],
  ["ec (prime256v1)", generateKeyPairSync("ec", { namedCurve: "prime256v1" })],
  ["ed448", generateKeyPairSync("ed448")],
] as const)("is refused where it is of kind %s", (kind, { privateKey }) => {
  const text = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  expect(() => roleKey("root-1", pem(text))).toThrow(
    expect.objectContaining({
      code: "WRONG",
      message: `the key root-1 in /keys/root-1.pem: of kind ${kind}, ed25519 is expected`,
    }),
  );
});

it("is refused where its bytes make no key, without saying which", () => {
  const text = toPem("private key", Buffer.from("3003020100", "hex"));
  expect(() => roleKey("root-1", pem(text))).toThrow(expect.objectContaining({ code: "UNREADABLE" }));
});

// Stands in for rauc where a bundle's content does not matter: a bundle is a JSON file that says what it is.
//   rauc resign --cert=.. --key=/dev/stdin ... FROM TO | rauc info --keyring=.. FILE
import { createPrivateKey, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const [command, ...args] = process.argv.slice(2);
const given = new Map(
  args.filter((arg) => arg.startsWith("--")).map((arg) => arg.slice(2).split("=") as [string, string]),
);
const files = args.filter((arg) => !arg.startsWith("--"));
const pem = (name: string): string => readFileSync(given.get(name) ?? "", "utf8");

if (command === "resign") {
  const [from = "", to = ""] = files;
  const bundle = JSON.parse(readFileSync(from, "utf8")) as { signedUnder: string };
  if (bundle.signedUnder !== pem("keyring")) throw new Error("signature verification failed");
  createPrivateKey(readFileSync(0, "utf8"));
  // Like an ECDSA signature, never the same twice.
  const signed = { ...bundle, signedUnder: pem("signing-keyring"), random: randomBytes(8).toString("hex") };
  writeFileSync(to, JSON.stringify(signed));
} else if (command === "info") {
  const { signedUnder, ...bundle } = JSON.parse(readFileSync(files[0] ?? "", "utf8")) as {
    signedUnder: string;
    compatible: string;
    version: string;
    build: string;
    slot: { bytes: number; sha256: string };
  };
  if (signedUnder !== pem("keyring")) throw new Error("signature verification failed");
  const { compatible, version, build, slot } = bundle;
  const rootfs = { filename: "rootfs.ext4", checksum: slot.sha256, size: slot.bytes };
  process.stdout.write(
    JSON.stringify({ compatible, version, build, format: "verity", images: [{ rootfs }] }),
  );
} else throw new Error(`no such command: ${command}`);

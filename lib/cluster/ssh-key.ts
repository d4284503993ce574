import { Buffer } from "node:buffer";
import type { Objection } from "./text-rules.ts";

const TYPES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
];

const FIX = "paste the one line of your .pub file, for example ~/.ssh/id_ed25519.pub";

/** Lengths of the parts in a public key's blob (RFC 4253: each with a 4-byte length), or undefined when torn. */
function partsOf(blob: Buffer): Buffer[] | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    parts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

/** What speaks against `text` as one line of an authorized_keys file, without options; undefined: nothing. */
export function objectToSshKey(text: string): Objection | undefined {
  if (text.includes("PRIVATE KEY")) {
    const fix = "make a new key pair, this one is no secret any more; its .pub file belongs here";
    return { code: "SSH_KEY", message: "a private key", fix, hidden: true };
  }
  const [type = "", encoded = ""] = text.trim().split(/[ \t]+/);
  if (/[\r\n]/.test(text.trim())) return { code: "SSH_KEY", message: "an ssh key is one line", fix: FIX };
  if (type === "ssh-dss") {
    return {
      code: "SSH_KEY",
      message: "ssh-dss keys are refused by sshd",
      fix: "make one with: ssh-keygen -t ed25519",
    };
  }
  if (!TYPES.includes(type)) return { code: "SSH_KEY", message: "not an ssh public key", fix: FIX };
  const blob = Buffer.from(encoded, "base64");
  const parts = partsOf(blob);
  const canonical = blob.toString("base64").replace(/=+$/, "") === encoded.replace(/=+$/, "");
  if (!canonical || parts === undefined || parts.length < 2 || parts[0]?.toString("latin1") !== type) {
    return { code: "SSH_KEY", message: `a damaged ${type} key, perhaps cut while pasting`, fix: FIX };
  }
  return undefined;
}

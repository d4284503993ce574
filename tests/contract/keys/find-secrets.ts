import { createPrivateKey } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** One way in which a private key could be written somewhere. */
export interface Needle {
  /** The file the key is in. */
  readonly key: string;
  /** `a line of the PEM`, `hex`, ... */
  readonly form: string;
  readonly bytes: Buffer;
}

export interface Finding {
  readonly key: string;
  readonly form: string;
  /** A path, with its byte offset; or the command line of a process. */
  readonly where: string;
}

/** What is searched at a time; pieces overlap by the longest needle. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** The part of PEM lines of base64 that depends on the secret bytes `from` to `to` of the DER. */
function secretLines(pem: string, from: number, to: number): string[] {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  return lines.filter((_, at) => at * 48 < to && (at + 1) * 48 > from);
}

/** The characters of base64 that these bytes make wherever they stand in what is encoded. */
function base64Inside(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and the last characters have bits of the neighbours in them.
    return text.slice(shift === 0 ? 0 : shift + 1, -2);
  });
}

function needlesOf(key: string, pem: string): Needle[] {
  const { d } = createPrivateKey(pem).export({ format: "jwk" });
  if (d === undefined) throw new Error(`${key}: of a kind that is not searched for`);
  const secret = Buffer.from(d, "base64url");
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\n/g, ""), "base64");
  const at = der.indexOf(secret);
  if (secret.length !== 32 || at < 0) throw new Error(`${key}: its secret is not where it should be`);
  const forms: [string, string | Buffer][] = [
    ...secretLines(pem, at, at + secret.length).map((line): [string, string] => ["a line of the PEM", line]),
    ...base64Inside(secret).map((text): [string, string] => ["base64", text]),
    ...base64Inside(secret).map((text): [string, string] => [
      "base64url",
      text.replaceAll("+", "-").replaceAll("/", "_"),
    ]),
    ...base64Inside(Buffer.from(pem)).map((text): [string, string] => ["base64 of the PEM", text]),
    ["hex", secret.toString("hex")],
    ["HEX", secret.toString("hex").toUpperCase()],
    ["hex with colons", secret.toString("hex").replace(/..(?!$)/g, "$&:")],
    ["its bytes", secret],
  ];
  // Equal ones, as base64 has them where no character differs, are searched for once.
  return [
    ...new Map(forms.map(([form, text]) => [String(text), { key, form, bytes: Buffer.from(text) }])).values(),
  ];
}

/** All needles of the private keys in a folder. Throws Error where it holds none. */
export async function secretsIn(folder: string): Promise<Needle[]> {
  const found: Needle[] = [];
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  for (const name of entries.map((entry) => entry.name).sort()) {
    const text = await readFile(join(folder, name), "utf8");
    if (text.includes("PRIVATE KEY-----")) found.push(...needlesOf(name, text));
  }
  if (found.length === 0) throw new Error(`${folder} holds no private key`);
  return found;
}

function inBytes(needles: readonly Needle[], bytes: Buffer, where: (at: number) => string): Finding[] {
  return needles.flatMap(({ key, form, bytes: needle }) => {
    const at = bytes.indexOf(needle);
    return at < 0 ? [] : [{ key, form, where: where(at) }];
  });
}

async function inFile(needles: readonly Needle[], path: string): Promise<Finding[]> {
  const overlap = Math.max(...needles.map(({ bytes }) => bytes.length)) - 1;
  const found = new Map<Needle, Finding>();
  let rest: Buffer = Buffer.alloc(0);
  let start = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    const piece = Buffer.concat([rest, chunk as Buffer]);
    for (const needle of needles) {
      const begin = start;
      const [finding] = inBytes([needle], piece, (at) => `${path} at byte ${begin + at}`);
      if (finding !== undefined && !found.has(needle)) found.set(needle, finding);
    }
    rest = piece.subarray(Math.max(0, piece.length - overlap));
    start += piece.length - rest.length;
  }
  return [...found.values()];
}

/**
 * Where the needles are in files, in all files below folders, in the names of both and in what links say. Looks at
 * bytes as they are: what is compressed or encrypted has to be given unpacked.
 */
export async function findSecrets(needles: readonly Needle[], paths: readonly string[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const path of paths) {
    found.push(...inBytes(needles, Buffer.from(path), () => `the name ${path}`));
    const stats = await lstat(path);
    if (stats.isDirectory()) {
      const names = (await readdir(path)).map((name) => join(path, name));
      found.push(...(await findSecrets(needles, names)));
    } else if (stats.isSymbolicLink()) {
      found.push(...inBytes(needles, Buffer.from(await readlink(path)), () => `the link ${path}`));
    } else if (stats.isFile()) found.push(...(await inFile(needles, path)));
  }
  return found;
}

/**
 * Where the needles are in the command lines and environments of the processes that run at this moment, as far as we
 * may read them. To be called again and again while something works. A process that was started with a secret shows it
 * in `environ` as long as it lives, also after it took it out: there only its children are of interest.
 */
export async function findInProcesses(
  needles: readonly Needle[],
  parts: readonly ("cmdline" | "environ")[] = ["cmdline", "environ"],
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const id of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    for (const part of parts) {
      const bytes = await readFile(`/proc/${id}/${part}`).catch(() => Buffer.alloc(0));
      const command = await readFile(`/proc/${id}/comm`, "utf8").catch(() => "?");
      found.push(...inBytes(needles, bytes, () => `${part} of process ${id} (${command.trim()})`));
    }
  }
  return found;
}

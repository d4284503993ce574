import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../keys/openssl.ts";

export type Certified =
  | "good"
  | "expired"
  | "not valid yet"
  | "for another name"
  | "by a foreign CA"
  | "by a foreign CA that is sent along"
  | "by itself";

export interface ServerIdentity {
  /** Both in PEM; the certificate may be followed by its CA's. */
  readonly key: string;
  readonly cert: string;
}

export interface ServerCertificates {
  /** What a client has to trust, as a file. */
  readonly ca: string;
  readonly of: Readonly<Record<Certified, ServerIdentity>>;
}

/** A CA's own settings: those of the machine's openssl.cnf differ from system to system. */
const SETTINGS = `
[req]
distinguished_name = subject
x509_extensions = authority
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[ca]
default_ca = issuer
[issuer]
database = issued
new_certs_dir = .
default_md = sha256
policy = names
unique_subject = no
rand_serial = yes
[names]
commonName = supplied
[localhost]
subjectAltName = DNS:localhost
[elsewhere]
subjectAltName = DNS:elsewhere.invalid
`;

const KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
const DAY_MS = 86_400_000;

/** YYYYMMDDHHMMSSZ, so many days from now. */
function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, "");
}

/** `days`: from when until when it is valid, counted from now. */
function issue(name: string, by: string, extensions: string, days: readonly [number, number]): string {
  const dates = `-startdate ${inDays(days[0])} -enddate ${inDays(days[1])}`;
  const signer = `-cert ${by}.pem -keyfile ${by}.key`;
  return `openssl ca -batch -notext -config cnf ${signer} -in server.csr ${dates} -extensions ${extensions} -out ${name}.pem`;
}

/** Makes a CA and what it and others issue for a server on localhost, below `folder`, with the openssl of the machine. */
export async function issueServerCertificates(folder: string): Promise<ServerCertificates> {
  writeFileSync(join(folder, "cnf"), SETTINGS);
  writeFileSync(join(folder, "issued"), "");
  const authority = (name: string): string =>
    `openssl req -x509 -config cnf ${KEY} -days 30 -subj "/CN=${name} CA" -keyout ${name}.key -out ${name}.pem`;
  const steps = [
    authority("own"),
    authority("foreign"),
    `openssl req -new -config cnf ${KEY} -subj /CN=server -keyout server.key -out server.csr`,
    issue("good", "own", "localhost", [-1, 30]),
    issue("expired", "own", "localhost", [-30, -1]),
    issue("early", "own", "localhost", [1, 30]),
    issue("other", "own", "elsewhere", [-1, 30]),
    issue("stranger", "foreign", "localhost", [-1, 30]),
    `openssl req -x509 -config cnf -extensions localhost -key server.key -days 30 -subj /CN=server -out self.pem`,
  ];
  await shell(steps.join(" && "), folder);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const identity = (...names: readonly string[]): ServerIdentity => ({
    key: read("server.key"),
    cert: names.map((name) => read(`${name}.pem`)).join(""),
  });
  return {
    ca: join(folder, "own.pem"),
    of: {
      good: identity("good"),
      expired: identity("expired"),
      "not valid yet": identity("early"),
      "for another name": identity("other"),
      "by a foreign CA": identity("stranger"),
      "by a foreign CA that is sent along": identity("stranger", "foreign"),
      "by itself": identity("self"),
    },
  };
}

import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const ROOT = `${import.meta.dirname}/../../..`;
const ROLES = `${ROOT}/ansible/roles`;
const roles = readdirSync(ROLES).filter((name) => name !== "boot");
const variables = z.record(z.string(), z.unknown());
const specs = z.object({ argument_specs: z.object({ main: z.object({ options: variables }) }) });
const playbook = z.array(z.object({ roles: z.array(z.object({ role: z.string() })) }));

function read(path: string): unknown {
  return parse(readFileSync(path, "utf8")) as unknown;
}

test("the playbook runs every role once, boot files first and the cleanup last", () => {
  const order = playbook.parse(read(`${ROOT}/ansible/site.yml`)).flatMap((play) => play.roles);
  const names = order.map((entry) => entry.role);
  expect(names[0]).toBe("boot");
  expect(names.at(-1)).toBe("cleanup");
  expect(names.slice(1).sort()).toEqual([...roles].sort());
});

test.for(roles)("role %s documents each of its variables, which carry its name", (role) => {
  const defaults = Object.keys(variables.parse(read(`${ROLES}/${role}/defaults/main.yml`))).sort();
  const documented = specs.parse(read(`${ROLES}/${role}/meta/argument_specs.yml`));
  expect(Object.keys(documented.argument_specs.main.options).sort()).toEqual(defaults);
  const readme = readFileSync(`${ROLES}/${role}/README.md`, "utf8");
  for (const name of defaults) {
    expect(name.startsWith(`${role}_`)).toBe(true);
    expect(readme).toContain(`\`${name}\``);
  }
  expect(existsSync(`${ROLES}/${role}/meta/main.yml`)).toBe(true);
});

test("the placeholder keyring says what it is, and no clock of a fresh board is too early for it", () => {
  const certificate = new X509Certificate(readFileSync(`${ROOT}/keys/placeholder.pem`));
  expect(certificate.subject).toBe("CN=placeholder: run ./pi keys init");
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.ca).toBe(true);
  expect(certificate.validFromDate.toISOString()).toBe("2020-01-01T00:00:00.000Z");
  expect(certificate.validToDate.getUTCFullYear()).toBeGreaterThan(2100);
});

test("no private key lies beside the public ones", () => {
  for (const name of readdirSync(`${ROOT}/keys`)) {
    expect(readFileSync(`${ROOT}/keys/${name}`, "utf8")).not.toContain("PRIVATE KEY-----");
  }
});

import { type ChildProcess, fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createSilent, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placesOf } from "../../../updater/places.ts";
import type { Order, Outcome } from "./https-node.ts";
import { HttpsStore, MANIFEST } from "./https-store.ts";
import { type Certified, issueServerCertificates, type ServerCertificates } from "./tls-certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "updater-https-"));
const bundle = randomBytes(300_000);
const sha256 = createHash("sha256").update(bundle).digest("hex");
const bytes = bundle.length;

let certificates: ServerCertificates;
let node: ChildProcess;
const waiting = new Map<number, (outcome: Outcome) => void>();
const open: HttpsStore[] = [];
const silent = createSilent((socket) => {
  held.add(socket);
  socket.on("error", () => undefined);
});
const held = new Set<Socket>();

beforeAll(async () => {
  certificates = await issueServerCertificates(folder);
  // Of the environment only this: no proxy, no other trust.
  const env = { NODE_EXTRA_CA_CERTS: certificates.ca };
  const program = join(import.meta.dirname, "https-node.ts");
  node = fork(program, [], { env, execArgv: [], serialization: "advanced" });
  node.on("message", ({ id, outcome }: { id: number; outcome: Outcome }) => waiting.get(id)?.(outcome));
  node.on("exit", () => {
    for (const end of waiting.values()) end({ got: undefined, failure: "the program ended", ms: 0 });
  });
  await new Promise<void>((resolve) => void silent.listen(0, "localhost", resolve));
});
afterAll(async () => {
  node?.kill("SIGKILL");
  await Promise.all(open.map((store) => store.stop()));
  for (const socket of held) socket.destroy();
  silent.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `undefined`: over http. */
async function store(certified: Certified | undefined): Promise<HttpsStore> {
  const identity = certified === undefined ? undefined : certificates.of[certified];
  const started = await new HttpsStore(bundle, identity).start();
  open.push(started);
  return started;
}

let orders = 0;
function asNode(order: Order): Promise<Outcome> {
  orders += 1;
  const id = orders;
  const outcome = new Promise<Outcome>((resolve) => void waiting.set(id, resolve));
  node.send({ id, order });
  return outcome;
}

/** Each of the updater's ways to the address, at one time. */
async function everyWay(address: string, query = "", timeoutMs = 15_000) {
  const path = join(mkdtempSync(join(folder, "node-")), "bundle.raucb");
  const url = new URL(`bundle${query}`, address).href;
  const manifest = new URL(`timestamp.json${query}`, address).href;
  const [read, date, stream, download] = await Promise.all([
    asNode({ what: "read", url: manifest, timeoutMs }),
    asNode({ what: "date", url: manifest, timeoutMs }),
    asNode({ what: "stream", url, bytes, timeoutMs }),
    asNode({ what: "download", url, bytes, sha256, path, timeoutMs }),
  ]);
  return { read, date, stream, download, path };
}

function expectAll({ read, date, stream, download, path }: Awaited<ReturnType<typeof everyWay>>): void {
  expect(read).toMatchObject({ got: MANIFEST, failure: undefined });
  expect(Math.abs(Number(date.got) - Date.now()), date.failure).toBeLessThan(60_000);
  expect(stream.failure).toBeUndefined();
  expect(bundle.subarray(1000, bytes - 1000).equals(stream.got as Buffer)).toBe(true);
  expect(download).toMatchObject({ got: { received: bytes, failed: 0 }, failure: undefined });
  expect(readFileSync(path).equals(bundle)).toBe(true);
}

/** Where it leads, as every file of the store is asked for. */
const leadingTo = (address: string, file: string): string =>
  `?to=${encodeURIComponent(new URL(file, address).href)}`;

describe("a store whose certificate is good", () => {
  it("is read in all the updater's ways", async () => {
    const good = await store("good");
    expectAll(await everyWay(good.address));
    expect(good.asked).toContain("HEAD /timestamp.json");
  });

  it("may lead to another one over https, as a release's address does", async () => {
    const [first, second] = [await store("good"), await store("good")];
    const read = await asNode({
      ...{ what: "read", timeoutMs: 15_000 },
      url: `${first.address}timestamp.json${leadingTo(second.address, "timestamp.json")}`,
    });
    expect(read.got).toBe(MANIFEST);
    const { stream, download } = await everyWay(first.address, leadingTo(second.address, "bundle"));
    expect(stream.got).toHaveLength(bytes - 2000);
    expect(download).toMatchObject({ got: { received: bytes, resolved: 1 } });
  });

  it("may not lead to http: nothing is asked there", async () => {
    const [secure, plain] = [await store("good"), await store(undefined)];
    const { read, date, stream, download } = await everyWay(
      secure.address,
      leadingTo(plain.address, "bundle"),
    );
    for (const { failure } of [read, stream, download])
      expect(failure).toContain("redirects to what is not https");
    // The redirect itself has a Date.
    expect(Math.abs(Number(date.got) - Date.now())).toBeLessThan(60_000);
    expect(plain.asked).toEqual([]);
    expect((await everyWay(plain.address)).read.got).toBe(MANIFEST);
  });
});

describe("a store is not believed", () => {
  const UNTRUSTED = "no CA that this machine trusts vouches for the server's certificate";
  const troubles: readonly (readonly [Exclude<Certified, "good">, string])[] = [
    ["expired", "the server's certificate has expired by this machine's clock (CERT_HAS_EXPIRED)"],
    [
      "not valid yet",
      "the server's certificate is not valid yet by this machine's clock (CERT_NOT_YET_VALID)",
    ],
    [
      "for another name",
      "the server's certificate is for DNS:elsewhere.invalid, not for localhost (ERR_TLS_CERT_ALTNAME_INVALID)",
    ],
    ["by a foreign CA", `${UNTRUSTED} (UNABLE_TO_VERIFY_LEAF_SIGNATURE)`],
    ["by a foreign CA that is sent along", `${UNTRUSTED} (SELF_SIGNED_CERT_IN_CHAIN)`],
    ["by itself", `${UNTRUSTED} (DEPTH_ZERO_SELF_SIGNED_CERT)`],
  ];
  const LIMIT_MS = 1_500;
  /** On a machine that has other things to do. */
  const BOUND_MS = LIMIT_MS + 3_000;

  it.concurrent.each(troubles)("whose certificate is %s, and that is said", async (certified, said) => {
    const bad = await store(certified);
    const { read, date, stream, download } = await everyWay(bad.address, "", LIMIT_MS);
    expect(read.failure).toBe(`${bad.address}timestamp.json could not be fetched: ${said}`);
    expect(date.failure).toBe(said);
    const unread = `the bundle cannot be read: ${bad.address}bundle could not be reached: ${said}`;
    expect(stream.failure).toBe(unread);
    expect(stream.got).toHaveLength(0);
    expect(download.failure).toBe(unread);
    for (const { ms } of [read, date, stream, download]) expect(ms).toBeLessThan(BOUND_MS);
    // No word of ours went there.
    expect(bad.asked).toEqual([]);
  });

  it.concurrent("that a good one leads to; the bad one is named", async () => {
    const [good, bad] = [await store("good"), await store("expired")];
    const { read, stream } = await everyWay(good.address, leadingTo(bad.address, "bundle"), LIMIT_MS);
    expect(read.failure).toMatch(
      `, which leads to ${bad.host}, could not be fetched: the server's certificate`,
    );
    expect(stream.failure).toContain(`${bad.address}bundle could not be reached: the server's certificate`);
    expect(bad.asked).toEqual([]);
  });

  it.concurrent("that speaks no TLS", async () => {
    const plain = await store(undefined);
    const { read, date, stream, download } = await everyWay(`https://${plain.host}/`, "", LIMIT_MS);
    for (const { failure } of [read, date, stream, download])
      expect(failure).toMatch(/no TLS was agreed on: [a-z ]+ \(EPROTO\)$/);
    expect(plain.asked).toEqual([]);
  });

  it.concurrent("that does not answer when TLS begins", async () => {
    const address = silent.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const ways = await everyWay(`https://localhost:${address.port}/`, "", LIMIT_MS);
    expect(ways.read.failure).toContain("no answer within 1.5 s");
    expect(ways.date.failure).toBe("nothing in 1.5 s");
    for (const { failure } of [ways.stream, ways.download]) expect(failure).toContain("sent nothing for 1 s");
    for (const { ms } of [ways.read, ways.date, ways.stream, ways.download])
      expect(ms).toBeLessThan(BOUND_MS);
  });
});

describe("a node whose clock stands at 1970", () => {
  // Nobody can set the clock here: the certificate begins after it, as all do for such a node.
  it("says so, and goes on by itself once a time server has set its clock", async () => {
    const pages = await store("not valid yet");
    const root = mkdtempSync(join(folder, "clock-"));
    const hold = (now: number, lastKnownTime = 0) =>
      asNode({ what: "clock", url: pages.address, root, now, lastKnownTime, timeoutMs: 0 });
    const said = "the server's certificate is not valid yet by this machine's clock (CERT_NOT_YET_VALID)";
    const against = `${pages.host} gives no time to hold it against (${said}); it says 1970-01-01 00:01 UTC`;
    const problem = `no time server has answered, and ${against}`;
    for (const lastKnownTime of [0, Date.now()])
      expect((await hold(60_000, lastKnownTime)).got).toEqual({ trusted: false, problem });

    pages.show(certificates.of.good);
    const { synchronized } = placesOf(root);
    mkdirSync(dirname(synchronized), { recursive: true });
    writeFileSync(synchronized, "");
    const now = Date.now();
    // Also where a time server had told it 2040 before.
    for (const [lastKnownTime, healed] of [
      [0, false],
      [now - 60_000, false],
      [Date.UTC(2040, 0), true],
    ] as const)
      expect((await hold(now, lastKnownTime)).got).toEqual({ trusted: true, lastKnownTime: now, healed });
    expectAll(await everyWay(pages.address));
  });
});

import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { whyNoAnswer } from "../../../lib/external/no-answer.ts";

const failing = (message: string, more: object): Error => Object.assign(new Error(message), more);

/** A port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

describe("why a server gave no answer", () => {
  it("is told for each address of a name, where Node says nothing itself", async () => {
    const port = await freePort();
    const addresses = ["127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
    const error = await new Promise<Error>((resolve) => {
      const socket = connect({
        ...{ host: "releases.invalid", port, autoSelectFamily: true },
        lookup: (_host, _options, found) => found(null, addresses),
      });
      socket.on("error", resolve);
    });
    expect(error.message).toBe("");
    const [first, second] = addresses.map(({ address }) => `connect ECONNREFUSED ${address}:${port}`);
    expect(whyNoAnswer(error)).toBe(`${first}, ${second}`);
  });

  it.each([
    [failing("certificate has expired", { code: "CERT_HAS_EXPIRED" }), "expired by this machine's clock"],
    [failing("self-signed certificate", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), "no CA that this machine"],
    [failing("certificate revoked", { code: "CERT_REVOKED" }), "certificate revoked (CERT_REVOKED)"],
    [failing("socket hang up", { code: "ECONNRESET" }), "socket hang up (ECONNRESET)"],
    [
      failing("connect ENETUNREACH 192.0.2.1:443", { code: "ENETUNREACH" }),
      "connect ENETUNREACH 192.0.2.1:443",
    ],
    [failing("", {}), "no reason is given"],
    [new AggregateError([]), "no reason is given"],
    ["odd", "odd"],
  ])("%s", (error, said) => {
    expect(whyNoAnswer(error)).toContain(said);
  });

  it("is one short line, whatever a certificate or OpenSSL says", () => {
    const subjectaltname = Array.from({ length: 300 }, (_, at) => `DNS:${at}.example.org`).join(", ");
    const altname = { code: "ERR_TLS_CERT_ALTNAME_INVALID", host: "pages", cert: { subjectaltname } };
    const wrong = "write EPROTO 40:error:0A00010B:SSL routines:f:wrong version number:../ssl/tls.c:77:\n";
    expect(whyNoAnswer(failing("", altname)).length).toBeLessThan(220);
    expect(whyNoAnswer(failing(wrong, { code: "EPROTO" }))).toBe(
      "no TLS was agreed on: wrong version number (EPROTO)",
    );
  });
});

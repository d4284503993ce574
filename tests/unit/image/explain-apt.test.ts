import { describe, expect, it } from "vitest";
import { ProcessError } from "../../../lib/external/process.ts";
import { APT_SETTINGS, aptOptions, gaveUp } from "../../../lib/image/archive/apt-settings.ts";
import { explainApt } from "../../../lib/image/archive/explain-apt.ts";
import { ImageError } from "../../../lib/image/failure.ts";
import { network } from "../../../lib/image/limits.ts";
import { explainMmdebstrap } from "../../../lib/image/tools/ensure.ts";

const now = Date.parse("2026-11-22T20:50:30Z");
const mirror = "http://mirror.example.org/debian";
const sqv = "Sub-process /usr/bin/sqv returned an error code (1), error message is";

/** What apt 2.6 to 3.0 say, and what of it a person is told: problem, and a word of the fix. */
const said: readonly (readonly [name: string, text: string, problem: RegExp, fix: RegExp])[] = [
  [
    "a key that is unknown (gpgv)",
    `W: GPG error: ${mirror} trixie InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131 NO_PUBKEY 78DBA3BC47EF2265
E: The repository '${mirror} trixie InRelease' is not signed.`,
    /signature/,
    /signing key/,
  ],
  [
    "a key that is unknown (sqv)",
    `Err:1 ${mirror} trixie InRelease
  ${sqv}: Missing key 763F8F0085BF681E, which is needed to verify signature.
Error: The repository '${mirror} trixie InRelease' is not signed.`,
    /signature/,
    /signing key/,
  ],
  [
    "a key that has expired",
    `W: An error occurred during the signature verification. The repository is not updated and the previous index files will be used. GPG error: ${mirror} trixie InRelease: The following signatures were invalid: EXPKEYSIG 4D64390375060AA4 Debian Archive`,
    /signature/,
    /clock is wrong \(it says 2026-11-22 20:50 UTC\).*signing key/,
  ],
  [
    "a file that was changed",
    `E: GPG error: ${mirror} trixie InRelease: The following signatures were invalid: BADSIG 762F67A0B2C39DE4 Debian Stable Release Key (13/trixie)`,
    /signature/,
    /mirror is not Debian's/,
  ],
  [
    "a Release file that has expired",
    `E: Release file for ${mirror}/dists/trixie-updates/InRelease is expired (invalid since 3d 2h 1min 3s). Updates for this repository will not be applied.`,
    /not valid at this machine's time: this machine's clock says 2026-11-22 20:50 UTC$/,
    /timedatectl.*mirror is out of date/,
  ],
  [
    "a clock that is slow",
    `E: Release file for ${mirror}/dists/trixie/InRelease is not valid yet (invalid for another 20d 4h 52min 22s). Updates for this repository will not be applied.`,
    /not valid at this machine's time: this machine's clock says 2026-11-22 20:50 UTC$/,
    /^set it: sudo timedatectl set-ntp true/,
  ],
  [
    "a clock that is slow (sqv, which sees the signature first)",
    `Warning: OpenPGP signature verification failed: ${mirror} trixie InRelease: ${sqv}: Verifying signature: Not live until 2026-02-18T08:12:33Z
Error: The repository '${mirror} trixie InRelease' is not signed.`,
    /not valid at this machine's time: this machine's clock says 2026-11-22 20:50 UTC$/,
    /^set it: sudo timedatectl set-ntp true/,
  ],
  [
    "no name server",
    `Err:1 ${mirror} trixie InRelease
  Temporary failure resolving 'mirror.example.org'
E: Failed to fetch ${mirror}/dists/trixie/InRelease  Temporary failure resolving 'mirror.example.org'
E: Some index files failed to download. They have been ignored, or old ones used instead.`,
    /cannot be reached/,
    /network/,
  ],
  [
    "no route",
    `E: Failed to fetch ${mirror}/dists/trixie/InRelease  Cannot initiate the connection to mirror.example.org:80 (2a04:4e42::644). - connect (101: Network is unreachable)`,
    /cannot be reached/,
    /network/,
  ],
  [
    "a proxy that is not there",
    `E: Failed to fetch ${mirror}/dists/trixie/InRelease  Could not connect to 10.0.0.1:3128 (10.0.0.1). - connect (111: Connection refused)`,
    /cannot be reached/,
    /http_proxy/,
  ],
  [
    "a package that does not exist",
    "Reading package lists...\nE: Unable to locate package hotp",
    /Debian has no package hotp$/,
    /cluster\.yaml/,
  ],
  [
    "a package that is only a name",
    "Package mail-transport-agent is a virtual package provided by:\n  postfix 3.10.1-1\n\nE: Package 'mail-transport-agent' has no installation candidate",
    /Debian has no package mail-transport-agent$/,
    /cluster\.yaml/,
  ],
  [
    "a package that was replaced in between",
    `E: Failed to fetch ${mirror}/pool/main/h/htop/htop_3.4.1-5_arm64.deb  404  Not Found [IP: 151.101.2.132 80]
E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?`,
    /changed while it was read/,
    /run the same command again/,
  ],
  [
    "a version that was replaced in between",
    "E: Version '3.4.1-5' for 'htop' was not found",
    /changed while it was read/,
    /run the same command again/,
  ],
  [
    "a mirror in the middle of an update",
    `E: Failed to fetch ${mirror}/dists/trixie/main/binary-arm64/Packages.xz  File has unexpected size (9612340 != 9612344). Mirror sync in progress? [IP: 151.101.2.132 80]`,
    /changed while it was read/,
    /run the same command again/,
  ],
  [
    "a package that came damaged",
    `Err:7 ${mirror} trixie/main arm64 tree arm64 2.2.1-1
  Hash Sum mismatch
E: Failed to fetch ${mirror}/pool/main/t/tree/tree_2.2.1-1_arm64.deb  Hash Sum mismatch`,
    /^tree_2\.2\.1-1_arm64\.deb came damaged/,
    /run the same command again.*proxy/,
  ],
  [
    "a list that came damaged",
    `E: Failed to fetch ${mirror}/dists/trixie/main/binary-arm64/Packages.xz  Hash Sum mismatch`,
    /changed while it was read/,
    /run the same command again/,
  ],
  [
    "a mirror that is busy",
    `Get:1 ${mirror} trixie/main arm64 ethtool arm64 1:6.14.2-1 [300 kB]
Err:2 ${mirror} trixie/main arm64 tree arm64 2.2.1-1
  503  Service Unavailable [IP: 151.101.2.132 80]`,
    /answers 503 Service Unavailable$/,
    /later$/,
  ],
  [
    "a mirror that is busy from the start",
    `E: Failed to fetch ${mirror}/dists/trixie/InRelease  503  Service Unavailable [IP: 127.0.0.1 38287]
E: The repository '${mirror} trixie InRelease' is not signed.
E: apt-get update --error-on=any failed: process exited with 100 and error in console output`,
    /answers 503 Service Unavailable$/,
    /later$/,
  ],
  [
    "a proxy that wants a password",
    `Err:1 ${mirror} trixie InRelease
  407  Proxy Authentication Required [IP: 10.0.0.1 3128]`,
    /answers 407 Proxy Authentication Required$/,
    /http_proxy/,
  ],
  [
    "a mirror that falls silent in the middle",
    `Get:1 ${mirror} trixie/main arm64 ethtool arm64 1:6.14.2-1 [300 kB]
Err:2 ${mirror} trixie/main arm64 tree arm64 2.2.1-1
  Connection timed out [IP: 151.101.2.132 80]`,
    /stopped answering/,
    /run the same command again/,
  ],
  [
    "a mirror that never says a word",
    `Err:1 ${mirror} trixie InRelease
  Connection timed out [IP: 151.101.2.132 80]`,
    /cannot be reached/,
    /network/,
  ],
  [
    "a moment the snapshots do not have",
    `Err:1 https://snapshot.debian.org/archive/debian/19990101T000000Z trixie Release
  404  Not Found [IP: 185.17.185.185 443]
E: The repository 'https://snapshot.debian.org/archive/debian/19990101T000000Z trixie Release' does not have a Release file.`,
    /no such release/,
    /base\.snapshot/,
  ],
];

describe("what apt says", () => {
  it.each(said)("%s", (_name, text, problem, fix) => {
    const explained = explainApt(text.split("\n"), now);
    expect(explained?.problem).toMatch(problem);
    expect(explained?.fix).toMatch(fix);
  });

  it("is left alone where it is about something else", () => {
    const lines = [
      "Setting up certificates (1.0) ...",
      "The licence is expired.",
      "E: Sub-process dpkg returned 1",
    ];
    expect(explainApt(lines, now)).toBeUndefined();
  });
});

describe("apt's patience", () => {
  it("is over when it gave up on a file", () => {
    const over = gaveUp();
    expect(["Get:1 x", "Ign:2 y", "  503  Service Unavailable", "Err:2 y"].map(over)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it("is over when a mirror was silent three times, and stays over", () => {
    const over = gaveUp();
    const silent = "  Connection timed out [IP: 127.0.0.1 80]";
    expect([silent, "Get:3 z", silent, silent, "Get:4 a"].map(over)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(gaveUp()(silent)).toBe(false);
  });

  it("takes no other line for the end", () => {
    const over = gaveUp();
    expect(["Error: x", "Setting up timed out", "Err: x"].some(over)).toBe(false);
  });

  it("is told to mmdebstrap as to apt", () => {
    expect(aptOptions).toHaveLength(APT_SETTINGS.length);
    expect(aptOptions).toContain(`--aptopt=Acquire::Retries "${network.retries}"`);
  });
});

describe("an mmdebstrap that failed", () => {
  const exit = new ProcessError("EXIT", "mmdebstrap ended with 25", { exitCode: 25 });

  it("is about the archive where apt said so, with apt's own lines", () => {
    const output = [
      "I: running apt-get update...",
      "E: Unable to locate package hotp",
      "E: apt-get update --error-on=any failed: process exited with 100",
      "I: cleaning up",
      "E: mmdebstrap failed to run",
    ];
    const error = explainMmdebstrap("BASE", "the core could not be made", { output, cause: exit, now });
    expect(error).toBeInstanceOf(ImageError);
    expect(error).toMatchObject({
      code: "ARCHIVE",
      message: "the core could not be made: Debian has no package hotp",
      details: ["E: Unable to locate package hotp"],
    });
  });

  it("shows the line behind each that apt gave up at", () => {
    const output = [
      "Get:1 x",
      "Err:2 http://m trixie/main tree",
      "  503  Service Unavailable [IP: 1.2.3.4 80]",
      "Get:3 y",
    ];
    const error = explainMmdebstrap("BASE", "the core could not be made", { output, cause: exit, now });
    expect(error).toMatchObject({ code: "ARCHIVE", details: output.slice(1, 3) });
  });

  it("is not about the archive where a full disk kept apt from writing", () => {
    const line = "E: Failed to fetch http://m/a.deb  Write error - write (28: No space left on device)";
    const cause = new ProcessError("EXIT", "mmdebstrap ended with 25", {
      exhaustion: { what: "space", line },
    });
    const error = explainMmdebstrap("BASE", "the core could not be made", { output: [line], cause, now });
    expect(error).toMatchObject({ code: "BASE", message: "the core could not be made" });
  });

  it("shows its last lines otherwise", () => {
    const output = Array.from({ length: 60 }, (_, index) => `line ${index}`);
    const error = explainMmdebstrap("TOOLS", "the tools tree could not be made", {
      output,
      cause: exit,
      now,
    });
    expect(error).toMatchObject({ code: "TOOLS", details: output.slice(-25) });
  });

  it("names the package to install where it is missing", () => {
    const missing = new ProcessError("NOT_FOUND", "mmdebstrap could not be started");
    expect(explainMmdebstrap("TOOLS", "the tools tree", { output: [], cause: missing, now })).toMatchObject({
      code: "PREFLIGHT",
      fix: "sudo apt-get install mmdebstrap",
    });
  });

  it.each(["TIMEOUT", "INTERRUPTED"] as const)("that ended by %s is told as that", (code) => {
    const cause = new ProcessError(code, "mmdebstrap");
    expect(
      explainMmdebstrap("BASE", "the core", { output: ["E: Unable to locate package x"], cause, now }),
    ).toBe(cause);
  });
});

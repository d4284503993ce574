import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatResolution,
  newestReleaseDate,
  parsePackageNames,
  parsePrintUris,
  parseResolution,
  type ResolvedPackage,
} from "../../../lib/image/archive/resolution.ts";

const sum = (digit: string): string => digit.repeat(64);
const pool = "http://mirror.example.org/debian/pool/main";

// As `apt-get --print-uris install` of apt 2.6 and 3.0 prints it, with the lines around.
const printed = `Reading package lists...
Building dependency tree...
The following NEW packages will be installed:
  libstdc++6 tzdata vim-tiny
Need to get 1,641 kB of archives.
'${pool}/v/vim/vim-tiny_9.0.1378-2%2bdeb12u2_arm64.deb' vim-tiny_2%3a9.0.1378-2+deb12u2_arm64.deb 719960 SHA256:${sum("1")}
'http://security.example.org/debian-security/pool/updates/main/t/tzdata/tzdata_2026f-0%2bdeb12u1_all.deb' tzdata_2026f-0+deb12u1_all.deb 307832 SHA256:${sum("2")}
'${pool}/g/gcc-12/libstdc%2b%2b6_12.2.0-14%2bdeb12u1_arm64.deb' libstdc++6_12.2.0-14+deb12u1_arm64.deb 612604 SHA256:${sum("3")}
'${pool}/e/example/example_1.0~rc1-1_arm64.deb' example_1.0~rc1-1_arm64.deb 12 SHA256:${sum("4")}
`;

describe("apt's list of what it would fetch", () => {
  it("gives name, version with epoch and digest, sorted by name, whatever the architecture", () => {
    expect(parsePrintUris(printed)).toEqual([
      { name: "example", version: "1.0~rc1-1", sha256: sum("4") },
      { name: "libstdc++6", version: "12.2.0-14+deb12u1", sha256: sum("3") },
      { name: "tzdata", version: "2026f-0+deb12u1", sha256: sum("2") },
      { name: "vim-tiny", version: "2:9.0.1378-2+deb12u2", sha256: sum("1") },
    ]);
  });

  it("is empty where nothing is to be fetched", () => {
    expect(parsePrintUris("Reading package lists...\n0 upgraded, 0 newly installed\n")).toEqual([]);
  });

  it.each([
    ["no digest, as apt prints it without ForceHash", "1234 "],
    ["no digest and no space", "1234"],
    ["a weaker digest", `1234 MD5Sum:${"a".repeat(32)}`],
    ["half a digest", `1234 SHA256:${"a".repeat(63)}`],
  ])("is refused with %s", (_name, end) => {
    const line = `'${pool}/h/htop/htop_3.4.1-5_arm64.deb' htop_3.4.1-5_arm64.deb ${end}\n`;
    expect(() => parsePrintUris(line)).toThrow(/no SHA-256 for htop 3\.4\.1-5/);
  });
});

const resolved: fc.Arbitrary<ResolvedPackage> = fc.record({
  name: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/),
  version: fc.stringMatching(/^([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,20}$/),
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
});

describe("a package list that is written down", () => {
  it("reads back as it was", () => {
    fc.assert(
      fc.property(fc.array(resolved), (packages) => {
        expect(parseResolution(formatResolution(packages))).toEqual(packages);
      }),
    );
  });

  it("may carry comments", () => {
    expect(parseResolution(`# made by hand\n\na=1 ${sum("a")}\n`)).toHaveLength(1);
  });

  it.each(["htop 3.4.1", `htop=3.4.1 ${"a".repeat(63)}`, `htop=3.4.1 ${sum("A")}`, `=1 ${sum("a")}`])(
    "names the line that is none: %s",
    (line) => {
      expect(() => parseResolution(`${line}\n`)).toThrow(JSON.stringify(line));
    },
  );
});

it("lists of names: comments and order do not count", () => {
  expect(parsePackageNames("rauc # updates\n\n# all of it\n  htop\nrauc-service")).toEqual([
    "htop",
    "rauc",
    "rauc-service",
  ]);
});

describe("the date of an archive", () => {
  const release = (date: string): string =>
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nSuite: stable\nDate: ${date}\nAcquire-By-Hash: yes\n`;

  it("is that of its newest Release file", () => {
    const dates = [
      "Sat, 14 Nov 2026 09:10:51 UTC",
      "Sun, 22 Nov 2026 14:22:08 UTC",
      "Sun, 22 Nov 2026 08:12:33 UTC",
    ];
    expect(newestReleaseDate(dates.map(release))).toBe(Date.UTC(2026, 10, 22, 14, 22, 8) / 1000);
  });

  it("does not come from other fields", () => {
    const text = `${release("Sat, 14 Nov 2026 09:10:51 UTC")}Valid-Until: Sun, 29 Nov 2026 09:10:51 UTC\n`;
    expect(newestReleaseDate([text])).toBe(Date.UTC(2026, 10, 14, 9, 10, 51) / 1000);
  });

  it.each([[[]], [["no field"]], [[release("yesterday")]]])("has to be there: %j", (releases: string[]) => {
    expect(() => newestReleaseDate(releases)).toThrow(/no Release file/);
  });
});

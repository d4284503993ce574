import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EmulatorError } from "../../../lib/emulator/failure.ts";
import { findReport, formatReport } from "../../../lib/emulator/report.ts";
import { sampleReport } from "./sample-report.ts";

const line = formatReport(JSON.stringify(sampleReport()));

describe("findReport", () => {
  it("reads a whole report, whatever stands before it", () => {
    expect(findReport(line)).toEqual(sampleReport());
    expect(findReport(`[  140.2] eth0: link up ${line} `)).toEqual(sampleReport());
  });

  it("finds none in another line", () => {
    expect(findReport("home-pi login: ")).toBeUndefined();
    expect(findReport("HOME-PI-REPOR")).toBeUndefined();
  });

  it("takes no report of which a single character changed", () => {
    const start = "HOME-PI-REPORT ".length;
    const printable = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.integer({ min: start, max: line.length - 1 }), printable, (at, other) => {
        fc.pre(line[at] !== other);
        expect(findReport(line.slice(0, at) + other + line.slice(at + 1))).toBe("damaged");
      }),
    );
  });

  it("takes no report that was cut short", () => {
    fc.assert(
      fc.property(fc.integer({ min: "HOME-PI-REPORT ".length, max: line.length - 1 }), (end) => {
        expect(findReport(line.slice(0, end))).toBe("damaged");
      }),
    );
  });

  it("names what a whole report lacks, and why the node could not tell", () => {
    const { rauc: _, ...rest } = sampleReport();
    const text = JSON.stringify({ ...rest, errors: { rauc: "JSONDecodeError: Expecting value" } });
    const find = () => findReport(formatReport(text));
    expect(find).toThrow(EmulatorError);
    try {
      find();
    } catch (error) {
      expect((error as EmulatorError).details).toEqual([
        expect.stringMatching(/^rauc: /),
        "the node could not tell rauc: JSONDecodeError: Expecting value",
      ]);
    }
  });

  it("accepts facts it does not know yet", () => {
    const text = JSON.stringify({ ...sampleReport(), temperature: 48.3 });
    expect(findReport(formatReport(text))).toEqual(sampleReport());
  });
});

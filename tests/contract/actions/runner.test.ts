import { afterEach, describe, expect, test, vi } from "vitest";
import { inputs as bootInputs } from "../../../actions/boot-image/interface.ts";
import { failureLines } from "../../../actions/runner/ending.ts";
import { listOf, readInputs } from "../../../actions/runner/inputs.ts";
import { problemRemarks } from "../../../actions/runner/problems.ts";
import { ImageError } from "../../../lib/image/failure.ts";
import { markdownTable } from "../../../lib/progress/markdown.ts";

afterEach(() => vi.unstubAllEnvs());

describe("inputs", () => {
  test("are typed, trimmed, and take their defaults where they are empty", () => {
    vi.stubEnv("INPUT_IMAGE", " out/agent.img ");
    vi.stubEnv("INPUT_MACHINE", "");
    vi.stubEnv("INPUT_DEADLINE", "45");
    expect(readInputs(bootInputs)).toEqual({
      image: "out/agent.img",
      machine: "raspi3b",
      deadline: 45,
      cache: "off",
      "cache-dir": "/var/cache/home-pi-cluster",
    });
  });

  test("that are wrong are all named at once", () => {
    vi.stubEnv("INPUT_MACHINE", "raspi5");
    vi.stubEnv("INPUT_DEADLINE", "soon");
    vi.stubEnv("INPUT_BUILD-ID", "abc");
    expect(() => readInputs(bootInputs)).toThrow(
      expect.objectContaining({
        code: "INPUT",
        message: expect.stringContaining("input `image`"),
        details: [
          "input `build-id`: a build id has 64 hexadecimal digits, not `abc`",
          'input `machine`: Invalid option: expected one of "raspi3b"|"virt", not `raspi5`',
          "input `deadline`: a number of minutes, not `soon`",
        ],
      }),
    );
  });

  test("may be lists", () => {
    expect(listOf(" agent,server\n  storage, ")).toEqual(["agent", "server", "storage"]);
    expect(listOf("")).toEqual([]);
  });
});

describe("a failure", () => {
  test("that says where is annotated at that file of the repository", () => {
    const folders = { project: "/actions/ours", workspace: "/checkout/cluster" };
    const at = (file: string) =>
      problemRemarks(
        new ImageError("PROVISION", "the playbook failed", { place: { file, line: 2, column: 3 } }),
        folders,
      );
    const place = { file: "roles/mine/tasks/main.yml", line: 2, column: 3 };
    expect(at("/checkout/cluster/roles/mine/tasks/main.yml")).toEqual([
      { text: "roles/mine/tasks/main.yml:2:3: the playbook failed", place },
    ]);
    const elsewhere = "/actions/ours/ansible/site.yml";
    expect(at(elsewhere)).toEqual([
      { text: `${elsewhere}:2:3: the playbook failed`, place: { ...place, file: elsewhere } },
    ]);
    expect(problemRemarks(new ImageError("PROVISION", "nowhere"), folders)).toBeUndefined();
  });

  test("annotates ten places and logs the others as text the runner does not obey", () => {
    const remarks = Array.from({ length: 12 }, (_, at) => ({
      text: `::debug::${at}`,
      place: { file: "a.yaml", line: at + 1 },
    }));
    const lines = failureLines(remarks);
    expect(lines.filter((line) => line.startsWith("::error file=a.yaml,line="))).toHaveLength(10);
    expect(lines.slice(10)).toEqual(["a.yaml:11: ::debug::10", "a.yaml:12: ::debug::11"]);
  });
});

test("a table's cells cannot break out of it", () => {
  expect(markdownTable(["a", "b"], [["x|y", "<b>1</b>\n2"]])).toBe(
    "| a | b |\n| --- | --- |\n| x\\|y | &lt;b&gt;1&lt;/b&gt;<br>2 |\n",
  );
});

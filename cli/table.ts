/** Columns without lines, two spaces apart, as a terminal shows them best. Heads and rows of equal length. */
export async function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const bare = [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
  ];
  const inner = ["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"];
  const table = new Table({
    head: [...head],
    chars: Object.fromEntries([...bare, ...inner].map((name) => [name, name === "middle" ? "  " : ""])),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split("\n");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

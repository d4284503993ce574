/** Prints as `packer -machine-readable` does, or plainly without that flag. */
export class Voice {
  readonly #machine: boolean;
  readonly #timestamps: boolean;

  constructor(machine: boolean, timestamps: boolean) {
    this.#machine = machine;
    this.#timestamps = timestamps;
  }

  #write(target: string, type: string, data: readonly string[], plain: string): void {
    const escaped = data.map((part) =>
      part.replaceAll(",", "%!(PACKER_COMMA)").replaceAll("\r", "\\r").replaceAll("\n", "\\n"),
    );
    const seconds = Math.floor(Date.now() / 1000);
    const line = this.#machine ? [seconds, target, type, ...escaped].join(",") : plain;
    process.stdout.write(`${line}\n`);
  }

  #stamp(text: string): string {
    return this.#timestamps ? `${new Date().toISOString().replace(/\.\d+Z$/, "Z")}: ${text}` : text;
  }

  /** What the builder says; every line carries its name. */
  builder(how: "say" | "error", text: string): void {
    const prefixed = text
      .split("\n")
      .map((line) => `==> arm.node: ${line}`.trimEnd())
      .join("\n");
    this.#write("", "ui", [how, this.#stamp(prefixed)], prefixed);
  }

  /** What packer itself says. */
  packer(how: "say" | "error", text: string, stamped = false): void {
    this.#write("", "ui", [how, stamped ? this.#stamp(text) : text], text);
  }

  event(target: string, type: string, ...data: readonly string[]): void {
    if (this.#machine) this.#write(target, type, data, "");
  }
}

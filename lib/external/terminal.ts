export interface Terminal {
  write(chunk: Buffer): void;
  /** Calls back with what is typed, key by key; returns what ends that and gives the terminal back. */
  listen(onInput: (text: string) => void): () => void;
}

/** This process's own terminal. Every key goes to `onInput`, Ctrl-C too; a pipe on stdin works as well. */
export const terminal: Terminal = {
  write: (chunk) => void process.stdout.write(chunk),
  listen(onInput) {
    const { stdin } = process;
    const onData = (chunk: Buffer): void => onInput(chunk.toString("utf8"));
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on("data", onData);
    stdin.resume();
    return () => {
      stdin.off("data", onData);
      stdin.pause();
      if (stdin.isTTY) stdin.setRawMode(false);
    };
  },
};

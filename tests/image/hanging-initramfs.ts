/** Where the program of one page is loaded, and where it begins in it: right behind its two headers. */
const LOADED_AT = 0x400000n;
const ENTRY = 0x78;
/** `ppoll` with nothing to wait for, for ever: x8 is the number of the call, x0 to x4 are its arguments (arm64). */
const WAITS = [
  0xd2800928, 0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800004, 0xd4000001, 0x17fffffa,
];

/** An arm64 program that does nothing and never ends (ELF 64, little endian, one loaded segment). */
function waitingProgram(): Buffer {
  const program = Buffer.alloc(ENTRY + WAITS.length * 4);
  program.write("\x7fELF\x02\x01\x01", "latin1");
  program.writeUInt16LE(2, 16);
  program.writeUInt16LE(183, 18);
  program.writeUInt32LE(1, 20);
  program.writeBigUInt64LE(LOADED_AT + BigInt(ENTRY), 24);
  program.writeBigUInt64LE(64n, 32);
  for (const [at, value] of [64, 56, 1, 64, 0, 0].entries()) program.writeUInt16LE(value, 52 + at * 2);
  program.writeUInt32LE(1, 64);
  program.writeUInt32LE(5, 68);
  program.writeBigUInt64LE(LOADED_AT, 80);
  program.writeBigUInt64LE(LOADED_AT, 88);
  program.writeBigUInt64LE(BigInt(program.length), 96);
  program.writeBigUInt64LE(BigInt(program.length), 104);
  program.writeBigUInt64LE(0x1000n, 112);
  for (const [at, word] of WAITS.entries()) program.writeUInt32LE(word, ENTRY + at * 4);
  return program;
}

const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);

function cpioEntry(name: string, mode: number, content: Buffer): Buffer {
  const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head)), padded(content)]);
}

/** An initramfs (cpio, "newc") that the kernel takes, and whose init gets nowhere: nothing fails, nothing goes on. */
export function hangingInitramfs(): Buffer {
  return Buffer.concat([
    cpioEntry("init", 0o100755, waitingProgram()),
    cpioEntry("TRAILER!!!", 0, Buffer.alloc(0)),
  ]);
}

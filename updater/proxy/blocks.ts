import { proxy as limits } from "../limits.ts";

export interface BlockSource {
  readonly bytes: number;
  read(from: number, length: number, signal?: AbortSignal): Promise<Buffer>;
}

type BlockLimits = Pick<
  { readonly [name in keyof typeof limits]: number },
  "blockBytes" | "cacheBytes" | "straightBytes" | "readAheadBytes" | "maxRangeBytes"
>;

/**
 * A file in blocks, the ones used last kept. A reader that goes straight on for a while is read ahead of, further each
 * time up to a limit; one that jumps gets what it asked for: an adaptive update reads small pieces all over a bundle,
 * and a read-ahead for each would download it all.
 */
export class Blocks {
  readonly #source: BlockSource;
  readonly #limits: BlockLimits;
  /** In the order of their last use. */
  readonly #kept = new Map<number, Buffer>();
  readonly #coming = new Map<number, Promise<Buffer>>();
  #straightOnFrom = 0;
  /** Bytes since the last jump. */
  #straight = 0;
  #ahead = 0;

  constructor(source: BlockSource, options: BlockLimits = limits) {
    this.#source = source;
    this.#limits = options;
  }

  /** Bytes that are kept. */
  get cachedBytes(): number {
    return this.#kept.size * this.#limits.blockBytes;
  }

  /** Exactly `length` bytes from `from`; both lie in the file. Throws what the source throws. */
  async read(from: number, length: number): Promise<Buffer> {
    const { blockBytes } = this.#limits;
    const first = Math.floor(from / blockBytes);
    const last = Math.floor((from + length - 1) / blockBytes);
    const until = Math.min(last + this.#aheadOf(from, length), this.#lastBlock);
    const pieces: Promise<Buffer>[] = [];
    for (let at = first; at <= last; at += 1) pieces.push(this.#block(at, until));
    const blocks = await Promise.all(pieces);
    const start = from - first * blockBytes;
    return Buffer.concat(blocks).subarray(start, start + length);
  }

  get #lastBlock(): number {
    return Math.floor((this.#source.bytes - 1) / this.#limits.blockBytes);
  }

  /** Blocks to read beyond what is asked for. */
  #aheadOf(from: number, length: number): number {
    const { blockBytes, straightBytes, readAheadBytes } = this.#limits;
    const gap = from - this.#straightOnFrom;
    this.#straight = gap >= -blockBytes && gap <= 2 * blockBytes ? this.#straight + length : length;
    const straight = this.#straight > straightBytes;
    this.#ahead = straight ? Math.min(Math.max(this.#ahead * 2, length), readAheadBytes) : 0;
    this.#straightOnFrom = from + length;
    return Math.ceil(this.#ahead / blockBytes);
  }

  #block(at: number, until: number): Promise<Buffer> {
    const kept = this.#kept.get(at);
    if (kept !== undefined) {
      this.#kept.delete(at);
      this.#kept.set(at, kept);
      return Promise.resolve(kept);
    }
    return this.#coming.get(at) ?? this.#ask(at, until);
  }

  /** Asks for block `at` and, in the same range, for those behind it that nobody has asked for. */
  #ask(at: number, until: number): Promise<Buffer> {
    const { blockBytes, maxRangeBytes } = this.#limits;
    const most = Math.min(until, at + Math.floor(maxRangeBytes / blockBytes) - 1);
    let end = at;
    while (end < most && !this.#kept.has(end + 1) && !this.#coming.has(end + 1)) end += 1;
    const start = at * blockBytes;
    const length = Math.min((end + 1) * blockBytes, this.#source.bytes) - start;
    const range = this.#source.read(start, length);
    for (let number = at; number <= end; number += 1) {
      const offset = (number - at) * blockBytes;
      const block = range.then((bytes) => {
        // A copy: a view would keep the whole range in memory as long as one block of it is kept.
        const piece = Buffer.from(bytes.subarray(offset, offset + blockBytes));
        this.#keep(number, piece);
        return piece;
      });
      this.#coming.set(number, block);
      block.catch(() => undefined).finally(() => this.#coming.delete(number));
    }
    return this.#coming.get(at) ?? range;
  }

  #keep(at: number, block: Buffer): void {
    this.#kept.set(at, block);
    for (const oldest of this.#kept.keys()) {
      if (this.cachedBytes <= this.#limits.cacheBytes) break;
      this.#kept.delete(oldest);
    }
  }
}

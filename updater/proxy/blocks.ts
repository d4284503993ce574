import { proxy as limits } from "../limits.ts";

export interface BlockSource {
  readonly bytes: number;
  read(from: number, length: number, signal?: AbortSignal): Promise<Buffer>;
}

type BlockLimits = Pick<
  { readonly [name in keyof typeof limits]: number },
  "blockBytes" | "cacheBytes" | "straightBytes" | "readAheadBytes" | "maxRangeBytes"
>;

/** Bytes that came, from byte `start` of the file. */
interface Arrived {
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * A file in blocks, the ones used last kept. A reader that goes straight on for a while is read ahead of, further each
 * time up to a limit; one that jumps gets what it asked for: an adaptive update reads small pieces all over a bundle,
 * and a read-ahead for each would download it all.
 *
 * What is kept lies in one piece of memory. As thousands of small buffers it took a node five times its size.
 */
export class Blocks {
  readonly #source: BlockSource;
  readonly #limits: BlockLimits;
  readonly #memory: Buffer;
  readonly #free: number[];
  /** Where in memory a block lies, in the order of their last use. */
  readonly #kept = new Map<number, number>();
  readonly #coming = new Map<number, Promise<Arrived>>();
  #straightOnFrom = 0;
  /** Bytes since the last jump. */
  #straight = 0;
  #ahead = 0;

  constructor(source: BlockSource, options: BlockLimits = limits) {
    this.#source = source;
    this.#limits = options;
    const places = Math.floor(options.cacheBytes / options.blockBytes);
    this.#memory = Buffer.alloc(places * options.blockBytes);
    this.#free = Array.from({ length: places }, (_, at) => at * options.blockBytes);
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
    const read = Buffer.alloc(length);
    const coming: Promise<void>[] = [];
    for (let at = first; at <= last; at += 1) {
      const place = this.#use(at);
      // What is kept is taken before anything is waited for: by then it may have given way.
      if (place !== undefined) {
        const bytes = this.#memory.subarray(place, place + blockBytes);
        fill(read, from, { start: at * blockBytes, bytes });
      } else coming.push(this.#arrival(at, until).then((arrived) => fill(read, from, arrived)));
    }
    await Promise.all(coming);
    return read;
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

  /** Where a block lies that is kept; it is the one used last from now on. */
  #use(at: number): number | undefined {
    const place = this.#kept.get(at);
    if (place === undefined) return undefined;
    this.#kept.delete(at);
    this.#kept.set(at, place);
    return place;
  }

  #arrival(at: number, until: number): Promise<Arrived> {
    return this.#coming.get(at) ?? this.#ask(at, until);
  }

  /** Asks for block `at` and, in the same range, for those behind it that nobody has asked for. */
  #ask(at: number, until: number): Promise<Arrived> {
    const { blockBytes, maxRangeBytes } = this.#limits;
    const most = Math.min(until, at + Math.floor(maxRangeBytes / blockBytes) - 1);
    let end = at;
    while (end < most && !this.#kept.has(end + 1) && !this.#coming.has(end + 1)) end += 1;
    const start = at * blockBytes;
    const length = Math.min((end + 1) * blockBytes, this.#source.bytes) - start;
    const numbers = Array.from({ length: end - at + 1 }, (_, index) => at + index);
    const arrival = this.#source.read(start, length).then((bytes) => {
      for (const number of numbers) this.#keep(number, bytes, (number - at) * blockBytes);
      return { start, bytes };
    });
    for (const number of numbers) this.#coming.set(number, arrival);
    const gone = (): void => {
      for (const number of numbers) this.#coming.delete(number);
    };
    arrival.then(gone, gone);
    return arrival;
  }

  #keep(at: number, bytes: Buffer, offset: number): void {
    const place = this.#free.pop() ?? this.#giveWay();
    if (place === undefined) return;
    bytes.copy(this.#memory, place, offset, Math.min(offset + this.#limits.blockBytes, bytes.length));
    this.#kept.set(at, place);
  }

  /** The place of the block that was used longest ago. */
  #giveWay(): number | undefined {
    for (const [oldest, place] of this.#kept) {
      this.#kept.delete(oldest);
      return place;
    }
    return undefined;
  }
}

/** Copies what both have of the file: `read` begins at its byte `from`. */
function fill(read: Buffer, from: number, { start, bytes }: Arrived): void {
  const begin = Math.max(from, start);
  bytes.copy(read, begin - from, begin - start, Math.min(from + read.length, start + bytes.length) - start);
}

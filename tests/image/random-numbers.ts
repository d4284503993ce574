/** `count` whole numbers from 0 to `most`, no two the same, or all there are. */
export function distinctNumbers(random: () => number, count: number, most: number): readonly number[] {
  const drawn = new Set<number>();
  while (drawn.size < Math.min(count, most + 1)) drawn.add(Math.floor(random() * (most + 1)));
  return [...drawn];
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

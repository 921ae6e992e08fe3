/** Chance from a seed: the same seed gives the same samples on every device, so that two who add them agree at once. */
export interface Chance {
  /** 0 to below 1. */
  fraction(): number;
  pick<T>(choices: readonly T[]): T;
  /** `n` different ones of them, in the order of `choices`; all when there are fewer. */
  some<T>(choices: readonly T[], n: number): readonly T[];
}

export function chanceOf(seed: string): Chance {
  let state = hashOf(seed);
  const fraction = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(fraction() * n);
  return {
    fraction,
    pick: (choices) => {
      const choice = choices[below(choices.length)];
      if (choice === undefined) throw new Error('there is nothing to pick from');
      return choice;
    },
    some: (choices, n) => {
      const left = choices.map((_choice, index) => index);
      while (left.length > n) left.splice(below(left.length), 1);
      return left.map((index) => choices[index]!);
    },
  };
}

/** FNV-1a */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

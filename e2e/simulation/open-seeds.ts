/**
 * Worlds that are known to break an invariant and are not mended yet: a range of seeds leaves them out and says so. One by one
 * (`--seed N`) they run as ever. Whoever mends one takes it off the list.
 */
export const OPEN_SEEDS: ReadonlyMap<number, string> = new Map([
  [1280, 'I5: half of a transaction beside a row that was deleted and forgotten'],
]);

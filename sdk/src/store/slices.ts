/**
 * Long work inside a transaction, a little at a time. Between two slices the database is asked for something: that keeps the
 * transaction open, and its answer is a task of its own, so the page paints and hears its person meanwhile.
 */
import { Dexie } from 'dexie';

/** What a slice is to take, with what is asked of the database for it: well below the 50 ms after which a page is felt to wait. */
const SLICE_MS = 12;
const FIRST_SIZE = 32;
export const LARGEST_SIZE = 1_000;

export interface Slices {
  readonly count: number;
  /** The work on one. Throws what ends all of it. */
  readonly each: (index: number) => void;
  /** After each slice but the last: resolves when the database has answered. */
  readonly between: () => PromiseLike<unknown>;
}

/** Only Dexie's own promises are chained. */
export function inSlices({ count, each, between }: Slices): PromiseLike<void> {
  let done = 0;
  let size = FIRST_SIZE;
  const go = (): PromiseLike<void> => {
    const startedMs = performance.now();
    const end = Math.min(count, done + size);
    for (; done < end; done += 1) each(done);
    if (done === count) return Dexie.Promise.resolve();
    const answered = between();
    size = nextSize(size, performance.now() - startedMs);
    return answered.then(go);
  };
  return go();
}

/** A device has its own speed, and its moments. */
function nextSize(size: number, tookMs: number): number {
  const fitting = tookMs > 0 ? Math.floor((size * SLICE_MS) / tookMs) : LARGEST_SIZE;
  return Math.max(1, Math.min(fitting, size * 2, LARGEST_SIZE));
}

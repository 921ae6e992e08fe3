import * as fc from 'fast-check';
import { DEFAULT_LIMITS, dotOf, type StoredEntry } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { memory } from '../storage/memory.ts';
import type { NewEntry } from '../storage/port.ts';
import { Room, type Listener } from './room.ts';

const LIMITS = { ...DEFAULT_LIMITS, entriesPerPage: 3, pageBytes: 1_000 };

/** Some are as large as half of what a room remembers, so that it forgets the oldest often. */
const size = fc.oneof({ arbitrary: fc.nat(50), weight: 5 }, { arbitrary: fc.constant(600_000), weight: 1 });

type Step =
  | { readonly type: 'grow'; readonly sizes: readonly number[]; readonly isHeard: boolean }
  | { readonly type: 'raise' }
  | { readonly type: 'read'; readonly after: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('grow' as const),
    sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
    isHeard: fc.boolean(),
  }),
  fc.constant({ type: 'raise' as const }),
  fc.record({ type: fc.constant('read' as const), after: fc.nat(30) }),
);

function entryOf(n: number, length: number): NewEntry {
  return {
    space: 's',
    n,
    dot: dotOf('AAAAAAAAAAAAAAAA', n),
    hash: '',
    change: JSON.stringify('x'.repeat(length)),
    owner: null,
  };
}

describe('a room', { timeout: 30_000 }, () => {
  it('[ROM1] gives the entries that follow, from memory or from the storage, without a gap and within a page', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const storage = await memory().open();
        const room = new Room('s', storage, LIMITS);
        let head = 0;
        const check = async (after: number): Promise<void> => {
          const entries: readonly StoredEntry[] = await room.read(after);
          expect(entries.map(({ n }) => n)).toEqual(entries.map((_, i) => after + 1 + i));
          expect(entries.length).toBeGreaterThan(0);
          expect(entries.length).toBeLessThanOrEqual(LIMITS.entriesPerPage);
        };
        for (const one of steps) {
          if (one.type === 'raise') room.raise(await storage.head('s'));
          if (one.type === 'read' && one.after < head) await check(one.after);
          if (one.type !== 'grow') continue;
          const entries = one.sizes.map((length, i) => entryOf(head + 1 + i, length));
          await storage.transact(['s'], (transaction) => transaction.append(entries));
          head += entries.length;
          // A room that was made after a commit has not heard of it.
          if (one.isHeard) room.append(entries);
          await check(head - 1);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('[ROM2] tells everybody in it how long the log is, and nobody who left', async () => {
    const room = new Room('s', await memory().open(), LIMITS);
    const heard: string[] = [];
    const listener = (name: string): Listener => ({ grown: (head) => void heard.push(`${name} ${head}`) });
    const [one, two] = [listener('one'), listener('two')];
    room.join(one);
    room.join(two);
    room.append([entryOf(1, 1)]);
    expect(heard).toEqual([]);
    room.announce();
    room.leave(one);
    room.append([entryOf(2, 1)]);
    room.announce();
    expect(heard).toEqual(['one 1', 'two 1', 'two 2']);
    room.leave(two);
    expect(room.isEmpty).toBe(true);
  });
});

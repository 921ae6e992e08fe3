import * as fc from 'fast-check';
import { appendChange, DEFAULT_LIMITS, digestText, dotOf, nextStamp, type SpaceView } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { changeOf } from '../device.fixture.ts';
import { memory } from '../storage/memory.ts';
import type { Storage } from '../storage/port.ts';
import { questionOfSpace } from '../storage/questions.ts';
import { contentOf } from './prepare.ts';
import { Room, type Listener } from './room.ts';

const NOTHING = { writers: [], cursor: {} };
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

/** Adds a change of this size and tells what a committer would. */
async function grow(storage: Storage, sizes: readonly number[]): Promise<SpaceView> {
  return storage.transact(['s'], async (transaction) => {
    const [view] = await transaction.views([questionOfSpace('s')]);
    for (const length of sizes) {
      const change = changeOf(dotOf('AAAAAAAAAAAAAAAA', view!.meta.lsn + 1), { label: 'x'.repeat(length) });
      appendChange(view!, nextStamp(view!), { change, ...contentOf(change) }, null);
    }
    await transaction.save('s', view!);
    return view!;
  });
}

describe('a room', { timeout: 30_000 }, () => {
  it('[ROM1] gives the entries that follow, from memory or from the storage, without a gap and within a page', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const storage = await memory().open();
        const room = new Room('s', storage, LIMITS);
        let head = 0;
        const digests = new Map<number, string>();
        const check = async (after: number): Promise<void> => {
          const { entries, digest } = (await room.read(after))!;
          expect(entries.map(({ lsn }) => lsn)).toEqual(entries.map((_, i) => after + 1 + i));
          if (digest !== undefined) expect(digest).toBe(digests.get(entries.at(-1)!.lsn));
          expect(entries.length).toBeGreaterThan(0);
          expect(entries.length).toBeLessThanOrEqual(LIMITS.entriesPerPage);
        };
        for (const one of steps) {
          if (one.type === 'raise') room.raise((await storage.look('s', NOTHING)).meta);
          if (one.type === 'read' && one.after < head) await check(one.after);
          if (one.type !== 'grow') continue;
          const { entries, meta } = await grow(storage, one.sizes);
          head += entries.length;
          digests.set(head, digestText(meta.digest));
          // A room that was made after a commit has not heard of it.
          if (one.isHeard) room.append(entries, meta);
          await check(head - 1);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('[ROM2] tells everybody in it where the log stands, and nobody who left', async () => {
    const storage = await memory().open();
    const room = new Room('s', storage, LIMITS);
    const heard: string[] = [];
    const listener = (name: string): Listener => ({ grown: ({ lsn }) => void heard.push(`${name} ${lsn}`) });
    const append = async (): Promise<void> => {
      const { entries, meta } = await grow(storage, [1]);
      room.append(entries, meta);
    };
    const [one, two] = [listener('one'), listener('two')];
    room.join(one);
    room.join(two);
    await append();
    expect(heard).toEqual([]);
    expect(room.head).toEqual({ lsn: 1, cursor: { [storage.sid]: 1 } });
    room.announce();
    room.leave(one);
    await append();
    room.announce();
    expect(heard).toEqual(['one 1', 'two 1', 'two 2']);
    room.leave(two);
    expect(room.isEmpty).toBe(true);
  });

  it('[ROM3] says so when what follows was cut from the log, and gives the digest at its end', async () => {
    const storage = await memory().open();
    const { meta } = await grow(storage, [1, 1, 1]);
    const room = new Room('s', storage, LIMITS);
    room.raise(meta);
    expect((await room.read(0))!.digest).toBe(digestText(meta.digest));
    await storage.transact(['s'], async (transaction) => {
      const [view] = await transaction.views([questionOfSpace('s')]);
      await transaction.cut('s', { [storage.sid]: 2 }, 9);
      await transaction.save('s', view!);
    });
    expect(await room.read(0)).toBeNull();
    expect(await room.read(1)).toBeNull();
    expect((await room.read(2))!.entries).toHaveLength(1);
    expect(await room.read(3)).toEqual({ entries: [] });
  });
});

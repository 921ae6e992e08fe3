/** 10,000 notes on a fresh profile, left open: how much disk and memory they take is asked from outside. */
import { NOTES, notes } from './notes.ts';
import { openNotes } from './open.ts';
import { fetchAndPut, openPlain } from './plain.ts';
import { expectEqual } from './timing.ts';

/** What is kept open would be collected otherwise. */
const held: unknown[] = [];

export const holders = {
  skerry: async (): Promise<void> => {
    const db = await openNotes('held', 'first');
    held.push(db);
    await db.sync.settled({ timeoutMs: 120_000 });
    expectEqual('notes', await db.notes.count(), NOTES);
  },
  fetched: () => fetchAndPut('held'),
  dexie: async (): Promise<void> => {
    const plain = await openPlain('held');
    held.push(plain);
    await plain.notes.bulkAdd(notes());
  },
};

/** What the network is waited for: the first sync of a device, what was edited offline, and an edit of somebody else. */
import { filter, firstValueFrom } from 'rxjs';

import { editOf, NOTES, noteOf, notes } from './notes.ts';
import { openNotes } from './open.ts';
import { countPlain, fetchAndPut } from './plain.ts';
import { Shown } from './reading.ts';
import { expectEqual, inTurns, watched, type Pair } from './timing.ts';

const SPACE = 'first';

/** Puts 10,000 notes on the server. */
export async function publish(): Promise<void> {
  const db = await openNotes('publisher', SPACE);
  await db.notes.insertMany(notes());
  await db.sync.settled({ timeoutMs: 120_000 });
  await db.close();
}

/** A device that has nothing, until all notes are durable on it; and one fetch of them with one transaction of puts. */
export async function firstSync(times: number): Promise<Pair> {
  const pair = await inTurns(
    'first sync',
    times,
    async (i) => {
      const db = await openNotes(`first-${i}`, SPACE);
      await db.sync.settled({ timeoutMs: 120_000 });
      expectEqual('notes', await db.notes.count(), NOTES);
      await db.close();
    },
    async (i) => {
      await fetchAndPut(`fetched-${i}`);
      expectEqual('fetched', await countPlain(`fetched-${i}`), NOTES);
    },
  );
  return pair;
}

/** `edits` changes of a field each, made offline: prepared by the first function, sent by the second, in milliseconds. */
export async function editOffline(edits: number): Promise<() => Promise<number>> {
  const db = await openNotes('first-0', SPACE);
  await db.sync.settled({ timeoutMs: 60_000 });
  db.sync.pause();
  await firstValueFrom(db.status$.pipe(filter(({ connection }) => connection === 'paused')));
  for (let i = 0; i < edits; i += 1) await db.notes.update(noteOf(i).id, { body: editOf(i) });
  expectEqual('outbox', db.status$.value.pending.changes, edits);
  return async () => {
    const ms = await watched('offline edits', async () => {
      db.sync.resume();
      await db.sync.settled({ timeoutMs: 60_000 });
    });
    expectEqual('outbox', db.status$.value.pending.changes, 0);
    await db.close();
    return ms;
  };
}

/** From the call of update() on one device to the row in a live query of 50 on another. */
export async function editElsewhere(times: number): Promise<readonly number[]> {
  const [here, there] = [await openNotes('first-1', SPACE), await openNotes('first-2', SPACE)];
  await Promise.all([here.sync.settled(), there.sync.settled()]);
  const shown = new Shown();
  const watching = there.notes.live({ orderBy: '-updatedAt', limit: 50 }).subscribe((rows) => shown.show(rows));
  await shown.until(() => true);
  const ids = shown.rows.map(({ id }) => id);
  const result: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const [id, body] = [ids[i % 50]!, `from elsewhere ${i}`];
    const arrived = shown.until((rows) => rows.some((row) => row.id === id && row.body === body));
    const work = (): Promise<unknown> => Promise.all([here.notes.update(id, { body }), arrived]);
    result.push(await watched('edit elsewhere', work));
  }
  watching.unsubscribe();
  await Promise.all([here.close(), there.close()]);
  return result;
}

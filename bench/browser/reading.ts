/** What somebody sees first and goes on seeing: the first 50 of 10,000 by an index, and the same as a live query. */
import { liveQuery } from 'dexie';

import { NOTES, noteOf, notes, type StoredNote } from './notes.ts';
import { openNotes } from './open.ts';
import { openPlain } from './plain.ts';
import { expectEqual, inTurns, type Pair } from './timing.ts';

const LATEST = { orderBy: '-updatedAt', limit: 50 } as const;
const NAME = 'reading';
const PLAIN = 'plain-reading';

/** The same rows in both. */
export async function fill(): Promise<void> {
  const db = await openNotes(NAME);
  await db.notes.insertMany(notes());
  await db.close();
  await fillPlain();
}

/** Of Dexie alone; nothing where it is filled already. */
export async function fillPlain(): Promise<void> {
  const plain = await openPlain(PLAIN);
  if ((await plain.notes.count()) === 0) await plain.notes.bulkAdd(notes());
  plain.close();
}

/** `name`: a database with the notes; that of fill() has all of them in its outbox. */
export async function reopen(times: number, name = NAME): Promise<Pair> {
  const shown = { skerry: [] as readonly StoredNote[], raw: [] as readonly StoredNote[] };
  const closing: { close(): unknown }[] = [];
  const pair = await inTurns(
    'reopening',
    times,
    async () => {
      const db = await openNotes(name);
      closing.push(db);
      shown.skerry = await db.notes.find(LATEST);
    },
    async () => {
      const plain = await openPlain(PLAIN);
      closing.push(plain);
      shown.raw = await plain.notes.orderBy('updatedAt').reverse().limit(50).toArray();
    },
    async () => {
      for (const one of closing.splice(0)) await one.close();
    },
  );
  expectEqual(
    'the first',
    shown.skerry.map(({ id }) => id),
    shown.raw.map(({ id }) => id),
  );
  return pair;
}

/** From the call of update() to the 50 rows with it in the hands of the subscriber. */
export async function liveFifty(times: number): Promise<Pair> {
  const [db, plain] = [await openNotes(NAME), await openPlain(PLAIN)];
  const ours = new Shown();
  const theirs = new Shown();
  const watching = [
    db.notes.live(LATEST).subscribe((rows) => ours.show(rows)),
    liveQuery(() => plain.notes.orderBy('updatedAt').reverse().limit(50).toArray()).subscribe((rows) =>
      theirs.show(rows),
    ),
  ];
  await Promise.all([ours.until(() => true), theirs.until(() => true)]);
  const ids = theirs.rows.map(({ id }) => id);
  const pair = await inTurns(
    'live query of 50',
    times,
    (i) => {
      const [id, body] = [ids[i % 50]!, `seen ${i}`];
      const shown = ours.until((rows) => rows.some((row) => row.id === id && row.body === body));
      return Promise.all([db.notes.update(id, { body }), shown]);
    },
    (i) => {
      const [id, body] = [ids[i % 50]!, `seen ${i}`];
      const shown = theirs.until((rows) => rows.some((row) => row.id === id && row.body === body));
      return Promise.all([plain.notes.update(id, { body }), shown]);
    },
  );
  expectEqual('the rows', ours.rows, theirs.rows);
  expectEqual('of', [await db.notes.count(), (await db.notes.get(noteOf(0).id))?.title], [NOTES, noteOf(0).title]);
  for (const one of watching) one.unsubscribe();
  plain.close();
  await db.close();
  return pair;
}

/** What a subscriber has been given last, and who waits for it. */
export class Shown {
  rows: readonly StoredNote[] = [];
  #waiting: { readonly isThere: (rows: readonly StoredNote[]) => boolean; readonly resolve: () => void }[] = [];

  show(rows: readonly StoredNote[]): void {
    this.rows = rows;
    const there = this.#waiting.filter(({ isThere }) => isThere(rows));
    this.#waiting = this.#waiting.filter((one) => !there.includes(one));
    for (const { resolve } of there) resolve();
  }

  until(isThere: (rows: readonly StoredNote[]) => boolean): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ isThere, resolve }));
  }
}

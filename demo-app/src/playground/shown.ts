/** What a device shows, and when that changes. */
import { merge, type Observable } from 'rxjs';

import type { DemoDb } from '../data/schema.ts';

/** Emits whenever rows, open questions or the state of the link may be others than before. */
export function changesOf(db: DemoDb): Observable<unknown> {
  return merge(db.notes.live(), db.events.live(), db.conflicts$, db.status$);
}

/** Rows and open questions, comparable between devices. */
export async function shownBy(db: DemoDb): Promise<string> {
  const [notes, events] = await Promise.all([db.notes.find({ orderBy: 'id' }), db.events.find({ orderBy: 'id' })]);
  const sorted = notes.map((note) => ({ ...note, tags: note.tags.toSorted() }));
  return JSON.stringify([sorted, events, db.conflicts$.value.map(({ id }) => id).toSorted()], sortedKeys);
}

/** The order of fields is nobody's business. */
function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

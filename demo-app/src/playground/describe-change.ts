/** What a change did, in a few words: “universe”, the text, books Room A. Read from the device that made it. */
import type { Revision } from '@skerry/sdk';

import type { CalendarEvent, DemoDb, Note } from '../data/schema.ts';
import { until } from './until.ts';

/** Letters of a title that are shown. */
const MOST_LETTERS = 22;
/** Rows in whose history a change is looked for. */
const MOST_ROWS = 20;
const WAIT_MS = 400;

/** '' when nobody knows any more. */
export async function describeChange(db: DemoDb, dot: string): Promise<string> {
  const waiting = until(db.outbox$, (entries) => entries.find(({ id }) => id === dot), { ms: WAIT_MS, failure: '' });
  const entry = await waiting.catch(() => null);
  // With a good network it has left the outbox before anybody could look.
  if (!entry) return inHistory(db, dot);
  const [row] = entry.rows;
  if (!row) return '';
  if (row.collection === '$waivers') return 'allows both';
  if (row.kind === 'delete') return 'deletes it';
  if (row.collection === 'events') return wordsOfBooking(await revisionOf(db.events, row.rowId, dot));
  if (row.collection === 'notes') return wordsOfNote(await revisionOf(db.notes, row.rowId, dot));
  return '';
}

async function inHistory(db: DemoDb, dot: string): Promise<string> {
  for (const { id } of await db.notes.find({ orderBy: '-editedAt', limit: MOST_ROWS })) {
    const revision = await revisionOf(db.notes, id, dot);
    if (revision) return wordsOfNote(revision);
  }
  for (const { id } of await db.events.find({ orderBy: '-id', limit: MOST_ROWS })) {
    const revision = await revisionOf(db.events, id, dot);
    if (revision) return wordsOfBooking(revision);
  }
  return '';
}

interface HasHistory<Row> {
  history(id: string, options: { readonly limit: number }): Promise<Revision<Row>[]>;
}

async function revisionOf<Row>(
  collection: HasHistory<Row>,
  id: string,
  dot: string,
): Promise<Revision<Row> | undefined> {
  return (await collection.history(id, { limit: 5 })).find((revision) => revision.id === dot);
}

function wordsOfNote(revision: Revision<Note> | undefined): string {
  if (!revision) return '';
  const { values, fields, action } = revision;
  if (action === 'delete') return 'deletes it';
  if (fields.includes('title') && values.title) return `“${cutShort(values.title)}”`;
  if (action === 'insert') return 'a new note';
  if (fields.includes('title')) return 'no title';
  if (fields.includes('body')) return 'the text';
  if (fields.includes('tags')) return 'tags';
  if (fields.includes('pinned')) return values.pinned ? 'pins it' : 'takes the pin off';
  return '';
}

function wordsOfBooking(revision: Revision<CalendarEvent> | undefined): string {
  if (!revision) return '';
  const { values, fields, row } = revision;
  return fields.includes('room') ? `books ${values.room ?? row?.room ?? ''}` : cutShort(values.title ?? '');
}

function cutShort(text: string): string {
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text;
}

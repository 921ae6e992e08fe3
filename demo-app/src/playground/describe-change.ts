/** What a change did, in a few words: “universe”, text, + rope, deleted. Read from the device that made it. */
import type { Revision } from '@skerry/sdk';

import type { CalendarEvent, DemoDb, Note } from '../data/schema.ts';
import { until } from './until.ts';

const MOST = 22;

export async function describeChange(db: DemoDb, dot: string): Promise<string> {
  const entry = await until(db.outbox$, (entries) => entries.find(({ id }) => id === dot), {
    ms: 3_000,
    failure: 'it is not in the outbox any more',
  });
  const [row] = entry.rows;
  if (!row) return '';
  if (row.collection === '$waivers') return 'allows both';
  if (row.kind === 'delete') return 'deletes it';
  if (row.collection === 'events') return wordsOfBooking(await revisionOf(db.events, row.rowId, dot));
  if (row.collection === 'notes') return wordsOfNote(await revisionOf(db.notes, row.rowId, dot));
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
  const { values, fields } = revision;
  if (fields.includes('title')) return `“${cutShort(values.title || 'no title')}”`;
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
  return text.length > MOST ? `${text.slice(0, MOST - 1)}…` : text;
}

/** What waits to be sent, in words: "Edited 'Groceries', title and text". Several edits of one row are one line. */
import type { OutboxEntry } from '@skerry/sdk';

type TouchedRow = OutboxEntry['rows'][number];

/** The name of a row as people know it; null when it is not here any more. */
export type NameOf = (row: { readonly collection: string; readonly rowId: string }) => string | null;

const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  notes: { title: 'title', body: 'text', tags: 'tags', pinned: 'pin' },
  events: { title: 'title', room: 'room', start: 'time', end: 'time' },
};

/** Fields that every new row says: a change that writes them all made the row. Empty tags are not said. */
const FIELDS_OF_NEW: Readonly<Record<string, readonly string[]>> = {
  notes: ['title', 'body', 'pinned'],
  events: ['title', 'room', 'start', 'end'],
};

export interface OutboxLine {
  readonly id: string;
  readonly at: Date;
  readonly words: string;
}

/** The latest first. */
export function outboxLines(outbox: readonly OutboxEntry[], nameOf: NameOf): readonly OutboxLine[] {
  const lines = Map.groupBy(outbox.toReversed(), subjectOf);
  return [...lines.values()].map((entries) => {
    const latest = entries[0] as OutboxEntry;
    return { id: latest.id, at: latest.at, words: outboxWords(merged(entries), nameOf) };
  });
}

/** Single edits of one row belong together; a transaction, a delete and what has a label of its own stand alone. */
function subjectOf(entry: OutboxEntry): string {
  const [row, ...more] = entry.rows;
  const isSingleEdit = row?.kind === 'write' && more.length === 0 && !entry.label;
  return isSingleEdit ? `${row.collection}/${row.rowId}` : entry.id;
}

function merged(entries: readonly OutboxEntry[]): OutboxEntry {
  const latest = entries[0] as OutboxEntry;
  const [row] = latest.rows;
  if (entries.length === 1 || !row) return latest;
  const fields = [...new Set(entries.toReversed().flatMap(({ rows }) => rows.flatMap((each) => each.fields)))];
  return { ...latest, rows: [{ ...row, fields }] };
}

export function outboxWords(entry: OutboxEntry, nameOf: NameOf): string {
  if (entry.label) return entry.label;
  const [row, ...more] = entry.rows;
  if (!row) return 'A change';
  if (more.length > 0 && entry.rows.every(isNew)) return `New: ${entry.rows.length} ${pluralOf(row)}`;
  if (more.length > 0) return `${rowWords(row, nameOf)}, and ${more.length} more`;
  return rowWords(row, nameOf);
}

function rowWords(row: TouchedRow, nameOf: NameOf): string {
  // What allows rows to break a constraint is a row of the SDK's own.
  if (row.collection === '$waivers') return 'Kept a double booking';
  const name = nameOf(row);
  if (row.kind === 'delete') return name === null ? `Deleted ${thingOf(row)}` : `Deleted ‘${name}’`;
  const what = name === null ? thingOf(row) : `‘${name}’`;
  if (isNew(row)) return `New: ${what}`;
  const fields = fieldWords(row);
  return fields === '' ? `Edited ${what}` : `Edited ${what}, ${fields}`;
}

/** 'title and text'; what a person did not write by hand is left out. */
export function fieldWords(row: { readonly collection: string; readonly fields: readonly string[] }): string {
  const words = WORDS[row.collection] ?? {};
  const named = [...new Set(row.fields.map((field) => words[field]).filter((word) => word !== undefined))];
  return named.length < 3 ? named.join(' and ') : `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`;
}

function isNew(row: TouchedRow): boolean {
  const fields = FIELDS_OF_NEW[row.collection];
  return row.kind === 'write' && fields !== undefined && fields.every((field) => row.fields.includes(field));
}

function thingOf(row: TouchedRow): string {
  return row.collection === 'events' ? 'an event' : 'a note';
}

function pluralOf(row: TouchedRow): string {
  return row.collection === 'events' ? 'events' : 'notes';
}

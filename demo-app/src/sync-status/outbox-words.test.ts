import type { OutboxEntry } from '@skerry/sdk';
import { expect, test } from 'vitest';

import { fieldWords, outboxLines, outboxWords } from './outbox-words.ts';

const groceries = (): string => 'Groceries';
const unknown = (): null => null;

test('[DOUT1] an edit names the row and the fields a person wrote', () => {
  expect(outboxWords(entry(row('notes', ['title', 'body', 'editedAt'])), groceries)).toBe(
    'Edited ‘Groceries’, title and text',
  );
  expect(outboxWords(entry(row('notes', ['editedAt'])), groceries)).toBe('Edited ‘Groceries’');
  expect(outboxWords(entry(row('events', ['room', 'start', 'end'])), unknown)).toBe('Edited an event, room and time');
  expect(fieldWords({ collection: 'notes', fields: ['title', 'body', 'tags'] })).toBe('title, text and tags');
});

test('[DOUT2] a change that writes every field made the row', () => {
  const all = ['title', 'body', 'pinned', 'editedAt'];
  expect(outboxWords(entry(row('notes', all)), groceries)).toBe('New: ‘Groceries’');
  expect(outboxWords(entry(row('notes', all), row('notes', all)), groceries)).toBe('New: 2 notes');
});

test('[DOUT3] a deleted row has lost its name', () => {
  expect(outboxWords(entry({ ...row('notes', []), kind: 'delete' }), unknown)).toBe('Deleted a note');
});

test('[DOUT4] a transaction says its label, or its first row and how many more', () => {
  expect(outboxWords({ ...entry(row('notes', ['title'])), label: 'Tidy up' }, groceries)).toBe('Tidy up');
  expect(outboxWords(entry(row('notes', ['pinned']), row('notes', ['tags'])), groceries)).toBe(
    'Edited ‘Groceries’, pin, and 1 more',
  );
});

test('[DOUT5] several edits of one row are one line, the latest first', () => {
  const title = { ...entry(row('notes', ['title'])), id: '1' };
  const other = { ...entry({ ...row('notes', ['pinned']), rowId: 'other' }), id: '2' };
  const body = { ...entry(row('notes', ['body', 'editedAt'])), id: '3', at: new Date(3) };
  expect(outboxLines([title, other, body], groceries)).toEqual([
    { id: '3', at: new Date(3), words: 'Edited ‘Groceries’, title and text' },
    { id: '2', at: new Date(0), words: 'Edited ‘Groceries’, pin' },
  ]);
});

test('[DOUT6] a delete stands alone, also after an edit of the same row', () => {
  const edit = { ...entry(row('notes', ['title'])), id: '1' };
  const gone = { ...entry({ ...row('notes', []), kind: 'delete' as const }), id: '2' };
  expect(outboxLines([edit, gone], unknown).map(({ words }) => words)).toEqual([
    'Deleted a note',
    'Edited a note, title',
  ]);
});

test('[DOUT7] what allows a double booking is called so', () => {
  expect(outboxWords(entry(row('$waivers', ['allows'])), unknown)).toBe('Kept a double booking');
});

function entry(...rows: OutboxEntry['rows']): OutboxEntry {
  return { id: '1', at: new Date(0), label: undefined, bytes: 1, rows };
}

function row(collection: string, fields: string[]): OutboxEntry['rows'][number] {
  return { collection, rowId: 'r', fields, kind: 'write' };
}

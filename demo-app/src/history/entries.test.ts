import type { Revision } from '@skerry/sdk';
import { expect, test } from 'vitest';

import type { Note } from '../data/schema.ts';
import { entriesOf as entriesOfRows, type Change, type Entry, type Known } from './entries.ts';
import { noteChanges } from './note-changes.ts';

type NoteRevision = Revision<Note>;

const entriesOf = (revisions: readonly NoteRevision[], known: Known): readonly Entry<Note>[] =>
  entriesOfRows(revisions, known, noteChanges);

const NOTE: Note = { title: 'Boat', body: 'a key', tags: ['trip'], pinned: false };
const nobody: Known = { isOpen: () => false, wasLost: () => false };

/** `secondsAgo` and what is special about it; newest first, as the SDK gives them. */
function revision(id: string, secondsAgo: number, special: Partial<NoteRevision> = {}): NoteRevision {
  return {
    id,
    action: 'update',
    state: 'former',
    fields: ['title'],
    values: {},
    row: { id: 'note', ...NOTE },
    user: { id: 'anna', name: 'Anna' },
    device: { id: 'd1', name: 'laptop' },
    at: new Date(1_000_000 - secondsAgo * 1000),
    here: true,
    pending: false,
    ...special,
  };
}

const row = (fields: Partial<Note>): NoteRevision['row'] => ({ id: 'note', ...NOTE, ...fields });
const brief = ({ revision: { id }, saves, mark, canRestore, changes }: Entry<Note>): unknown[] => [
  id,
  saves,
  mark,
  canRestore,
  changes.map(({ kind }) => kind),
];

test('[DHIST1] each version tells what it changed against the one that was shown before it', () => {
  const entries = entriesOf(
    [
      revision('4', 0, { state: 'current', row: row({ title: 'Old boat', tags: ['sea'], pinned: true }) }),
      revision('3', 60, { action: 'delete', row: null }),
      revision('2', 120, { row: row({ title: 'Old boat' }) }),
      revision('1', 180, { action: 'insert' }),
    ],
    nobody,
  );
  expect(entries.map(brief)).toEqual([
    ['4', 1, 'shown', false, ['title', 'body', 'tags', 'pinned']],
    ['3', 1, null, false, ['deleted']],
    ['2', 1, null, true, ['title']],
    ['1', 1, null, true, ['created', 'title', 'body', 'tags']],
  ]);
  expect(entries[2]!.changes).toEqual([
    {
      kind: 'title',
      words: [
        { kind: 'removed', text: 'Boat' },
        { kind: 'added', text: 'Old boat' },
      ],
    },
  ] satisfies Change[]);
});

test('[DHIST2] what was not kept, withdrawn or is still to be decided is marked, and is under no later version', () => {
  const known: Known = { isOpen: ({ id }) => id === '4', wasLost: ({ id }) => id === '2' };
  const entries = entriesOf(
    [
      revision('5', 0, { state: 'withdrawn', row: row({ title: 'forbidden' }) }),
      revision('4', 60, { state: 'current', row: row({ title: 'unicorn' }) }),
      revision('3', 70, { state: 'aside', row: row({ title: 'universe' }) }),
      revision('2', 120, { row: row({ title: 'Yacht' }) }),
      revision('1', 180, { action: 'insert' }),
    ],
    known,
  );
  expect(entries.map(({ revision: { id }, mark, canRestore }) => [id, mark, canRestore])).toEqual([
    ['5', 'withdrawn', true],
    ['4', 'to-decide', false],
    ['3', 'not-kept', true],
    ['2', 'not-kept', true],
    ['1', null, true],
  ]);
  const [withdrawn, current] = entries.map(({ changes }) => changes);
  expect(current).toEqual([
    {
      kind: 'title',
      words: [
        { kind: 'removed', text: 'Yacht' },
        { kind: 'added', text: 'unicorn' },
      ],
    },
  ]);
  expect(withdrawn).toMatchObject([{ words: [{ text: 'unicorn' }, { text: 'forbidden' }] }]);
});

test('[DHIST3] a text that was saved while somebody wrote it is one version', () => {
  const fields = ['body', 'editedAt'] as const;
  const entries = entriesOf(
    [
      revision('5', 0, { state: 'current', fields, row: row({ body: 'a key and a chart' }) }),
      revision('4', 5, { fields, row: row({ body: 'a key and' }) }),
      revision('3', 8, { fields, row: row({ body: 'a key or' }), device: { id: 'd2' } }),
      revision('2', 40, { fields, row: row({ body: 'a' }), device: { id: 'd2' } }),
      revision('1', 42, { action: 'insert' }),
    ],
    nobody,
  );
  expect(entries.map(({ revision: { id }, saves }) => [id, saves])).toEqual([
    ['5', 2],
    ['3', 1],
    ['2', 1],
    ['1', 1],
  ]);
  expect(entries[0]!.changes).toMatchObject([{ kind: 'body', words: [{}, { text: 'or' }, { text: 'and a chart' }] }]);
});

test('[DHIST4] the oldest version that is known is not called the first', () => {
  const [, known, gone] = entriesOf(
    [revision('2', 0, { state: 'current', row: row({ title: 'x' }) }), revision('1', 9)],
    nobody,
  );
  expect(known!.changes[0]).toEqual({ kind: 'first-known' });
  expect(gone).toBeUndefined();
  const back = entriesOf(
    [revision('2', 0, { state: 'current', action: 'insert' }), revision('1', 9, { action: 'delete', row: null })],
    nobody,
  );
  expect(back[0]!.changes[0]).toEqual({ kind: 'came-back' });
});

test('[DHIST5] a version that changed nothing people see is left out, unless it is the one that is shown', () => {
  const same = entriesOf(
    [
      revision('3', 0, { state: 'current', fields: ['editedAt'] }),
      revision('2', 60, { fields: ['editedAt'] }),
      revision('1', 90, { action: 'insert' }),
    ],
    nobody,
  );
  expect(same.map(({ revision: { id } }) => id)).toEqual(['3', '1']);
});

import { expect, test } from 'vitest';

import type { StoredNote } from '../data/schema.ts';
import { commonTags, editedAtOf, excerptOf, noteName, searchNotes } from './note-search.ts';

const boat = note('1', { title: 'Boat key', body: 'Ask Bruno', tags: ['trip'], editedAt: 30 });
const bread = note('2', { title: 'Groceries', body: 'Rye bread\nand  butter', tags: ['lists', 'trip'], editedAt: 20 });
const tide = note('3', { title: 'Tide table', body: 'Low 06:12', pinned: true, editedAt: 10 });
const all = [bread, boat, tide];

test('[DFIND1] pinned notes come first, then what was written last', () => {
  expect(searchNotes(all, { text: '', tag: null })).toEqual([tide, boat, bread]);
});

test('[DFIND2] every word must occur in title, text or tags; a tag narrows further', () => {
  expect(searchNotes(all, { text: 'BRUNO key', tag: null })).toEqual([boat]);
  expect(searchNotes(all, { text: 'bruno bread', tag: null })).toEqual([]);
  expect(searchNotes(all, { text: '', tag: 'trip' })).toEqual([boat, bread]);
});

test('[DFIND3] common tags come first', () => {
  expect(commonTags(all)).toEqual(['trip', 'lists']);
});

test('[DFIND4] a row that another program wrote with less is shown all the same', () => {
  const bare = { id: '018bcfe5-6800-7000-8000-000000000000' } as unknown as StoredNote;
  expect([noteName(bare), excerptOf(bare), editedAtOf(bare)]).toEqual(['Untitled', '', 1_700_000_000_000]);
  expect(searchNotes([bare], { text: '', tag: null })).toEqual([bare]);
  expect(excerptOf(bread)).toBe('Rye bread and butter');
});

function note(id: string, fields: Partial<StoredNote>): StoredNote {
  return { id, title: '', body: '', tags: [], pinned: false, ...fields };
}

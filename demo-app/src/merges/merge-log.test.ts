import { expect, test } from 'vitest';

import { mergesText, openMergeLog, type Merge } from './merge-log.ts';

const DAY = 24 * 60 * 60_000;

test('[DMERGE1] merges of the last week are remembered with the database, the latest first, each once', () => {
  const store = memory();
  const log = openMergeLog(store, 'db', () => 10 * DAY);
  for (const at of [2 * DAY, 4 * DAY, 9 * DAY]) log.add(merge('note', at));
  log.add(merge('note', 9 * DAY));
  expect(log.getSnapshot().map(({ at }) => at / DAY)).toEqual([9, 4]);
  expect(
    openMergeLog(store, 'db', () => 11.5 * DAY)
      .getSnapshot()
      .map(({ at }) => at / DAY),
  ).toEqual([9]);
  expect(openMergeLog(store, 'another', () => 10 * DAY).getSnapshot()).toEqual([]);
});

test('[DMERGE2] another window adds to it; a store that is full or damaged does no harm', () => {
  const store = memory();
  const [one, other] = [openMergeLog(store, 'db', () => DAY), openMergeLog(store, 'db', () => DAY)];
  one.add(merge('a', 1));
  other.add(merge('b', 2));
  one.add(merge('c', 3));
  expect(one.getSnapshot().map(({ noteId }) => noteId)).toEqual(['c', 'b', 'a']);
  store.setItem('skerry.merged/db', '[{"noteId": 7}, null]');
  expect(openMergeLog(store, 'db', () => DAY).getSnapshot()).toEqual([]);
  const full = {
    getItem: () => '{',
    setItem: () => {
      throw new Error('full');
    },
  };
  const kept = openMergeLog(full, 'db', () => DAY);
  kept.add(merge('a', 1));
  expect(kept.getSnapshot()).toHaveLength(1);
});

test('[DMERGE3] how much was merged is told in a sentence, and nothing when nothing was', () => {
  expect([0, 1, 12].map((n) => mergesText(Array.from({ length: n }, (_, i) => merge('a', i))))).toEqual([
    null,
    'One edit was merged automatically this week.',
    '12 edits were merged automatically this week.',
  ]);
});

function merge(noteId: string, at: number): Merge {
  return { noteId, at, edit: at, people: [] };
}

function memory(): Pick<Storage, 'getItem' | 'setItem'> {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

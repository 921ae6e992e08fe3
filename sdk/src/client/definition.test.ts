import { expect, test } from 'vitest';

import { ask } from '../policies/ask.ts';
import { counter } from '../policies/counter.ts';
import { max, min } from '../policies/extremum.ts';
import { fww } from '../policies/fww.ts';
import { hot } from '../policies/hot.ts';
import { local } from '../policies/local.ts';
import { lww } from '../policies/lww.ts';
import { map } from '../policies/map.ts';
import { ASK, merge, type MergeInput } from '../policies/merge.ts';
import { set } from '../policies/set.ts';
import { text } from '../policies/text.ts';
import { collection, planCollections } from './definition.ts';
import type { Collections } from './types.ts';

test('[DEF1] a collection becomes a plain plan, fields without a policy are left to ask()', () => {
  const notes = collection<{ title: string; tags: string[] }>({
    fields: { tags: set() },
    indexes: ['title', '*tags', '[title+tags]'],
  });
  expect(planCollections({ notes })).toEqual([
    {
      name: 'notes',
      fields: { tags: set() },
      groups: [],
      onDeleteVsEdit: 'ask',
      indexes: ['title', '*tags', '[title+tags]'],
    },
  ]);
});

test('[DEF3] a policy that fits its field compiles, one that contradicts its type does not', () => {
  interface Row {
    title: string;
    state: 'open' | 'done';
    likes: number;
    stock?: number | undefined;
    body?: string;
    tags?: readonly string[];
    place: { room: string } | null;
    extra: unknown;
    counts: Record<string, number>;
    names?: Record<string, string>;
    typing?: string;
  }
  const fitting = collection<Row>({
    fields: {
      title: text(),
      state: max(),
      likes: counter(),
      stock: counter(),
      body: text(),
      tags: set(),
      extra: ask(),
      counts: map(max()),
      names: map(text()),
      typing: hot(),
      place: local(),
    },
  });
  const merging = collection<Row>({
    fields: {
      title: merge('shortest', ({ versions }) => versions.toSorted((a, b) => a.length - b.length)[0]!),
      stock: merge('most', ({ base = 0, versions }) => Math.max(base, ...versions)),
      state: merge('ask', () => ASK),
      counts: map(merge('most', ({ versions }: MergeInput<number>) => Math.max(...versions))),
      names: map(),
    },
  });
  expect(planCollections({ merging })[0]!.fields).toEqual({
    title: { kind: 'merge', name: 'shortest' },
    stock: { kind: 'merge', name: 'most' },
    state: { kind: 'merge', name: 'ask' },
    counts: { kind: 'map', of: { kind: 'merge', name: 'most' } },
    names: { kind: 'map', of: { kind: 'ask' } },
  });
  const anything = collection<Row>({
    fields: { title: min(), state: ask(), likes: lww(), stock: fww(), body: ask(), tags: lww(), place: ask() },
  });
  const contradicting = [
    // @ts-expect-error -- a counter is a number
    collection<Row>({ fields: { title: counter() } }),
    // @ts-expect-error -- a set is an array
    collection<Row>({ fields: { body: set() } }),
    // @ts-expect-error -- a text is a string
    collection<Row>({ fields: { tags: text() } }),
    // @ts-expect-error -- an object is neither greater nor smaller than another
    collection<Row>({ fields: { place: max() } }),
    // @ts-expect-error -- nobody knows whether it can be compared
    collection<Row>({ fields: { extra: min() } }),
    // @ts-expect-error -- the keys of a map hold what its policy reads
    collection<Row>({ fields: { counts: map(text()) } }),
    // @ts-expect-error -- a map is an object
    collection<Row>({ fields: { title: map() } }),
    // @ts-expect-error -- the function merges numbers
    collection<Row>({ fields: { title: merge('sum', (input: MergeInput<number>) => input.versions[0]!) } }),
    // @ts-expect-error -- the function answers with something else
    collection<Row>({ fields: { title: merge('first', ({ versions }: MergeInput<string>) => versions.length) } }),
    // @ts-expect-error -- there is no such field
    collection<Row>({ fields: { tittle: ask() } }),
  ];
  const plans = planCollections({ fitting, anything });
  expect(plans[0]!.fields['likes']).toEqual({ kind: 'counter' });
  expect(contradicting).toHaveLength(10);
});

test.each<[string, unknown]>([
  ['no object', []],
  ['none', {}],
  ['a name with a space', { 'my notes': collection() }],
  ['a name that begins with a digit', { '1st': collection() }],
  ['the name of a member of the handle', { transaction: collection() }],
  ['a name that every object has', { toString: collection() }],
  ['a name that promises have', { then: collection() }],
  ['two names that differ only by case', { notes: collection(), Notes: collection() }],
  ['a definition by hand', { notes: { fields: {} } }],
  ['a policy that is none', { notes: { options: { fields: { title: 'lww' } } } }],
  ['an unknown policy', { notes: { options: { fields: { title: { kind: 'best' } } } } }],
  ['a policy for the id', { notes: collection<{ id: string }>({ fields: { id: lww() } }) }],
  ['a map of counters', { notes: collection<{ a: object }>({ fields: { a: map(counter()) as never } }) }],
  ['a merge without a name', { notes: { options: { fields: { a: { kind: 'merge' } } } } }],
  ['a group of local fields', { notes: { options: { fields: { a: local(), b: local() }, groups: [['a', 'b']] } } }],
  ['a group of one', { notes: collection<{ a: string }>({ groups: [['a']] }) }],
  ['groups that are none', { notes: { options: { groups: ['ab'] } } }],
  ['onDeleteVsEdit', { notes: { options: { onDeleteVsEdit: 'edit' } } }],
  ['a unique index', { notes: collection({ indexes: ['&email'] }) }],
  ['an index over id', { notes: collection({ indexes: ['id'] }) }],
  ['a broken index', { notes: collection({ indexes: ['[a'] }) }],
  ['a compound index of one', { notes: collection({ indexes: ['[a]'] }) }],
  ['an index with a comma', { notes: collection({ indexes: ['a,b'] }) }],
  ['an index twice', { notes: collection({ indexes: ['a', 'a'] }) }],
])('[DEF2] a schema that cannot be used is INVALID_SCHEMA before anything is opened: %s', (_what, collections) => {
  expect(() => planCollections(collections as Collections)).toThrow(
    expect.objectContaining({ code: 'INVALID_SCHEMA' }),
  );
});

import type { DeleteConflict, FieldConflict, Version } from '@skerry/sdk';
import { expect, test } from 'vitest';

import { lostVersions } from './not-kept.ts';

const by = <V>(user: string, value: V, at = 1): Version<V> => ({
  value,
  user: { id: user },
  device: { id: `${user}'s` },
  at: new Date(at),
  here: user === 'anna',
});

function titles(anna: string, ben: string, more: Partial<FieldConflict> = {}): FieldConflict {
  return {
    kind: 'field',
    id: 'one',
    collection: 'notes',
    rowId: 'note',
    detectedAt: new Date(2),
    fields: ['title'],
    base: {},
    versions: [by('anna', { title: anna }), by('ben', { title: ben })],
    provisional: { title: ben },
    resolve: () => Promise.reject(new Error('not here')),
    ...more,
  };
}

const losers = (...args: Parameters<typeof lostVersions>): unknown[] =>
  lostVersions(...args).map(({ version }) => version.user?.id);

test('[DLOST1] a version that the row does not say after the decision was not kept', () => {
  const conflict = titles('universe', 'unicorn');
  expect(losers(conflict, { title: 'unicorn' }, [])).toEqual(['anna']);
  expect(losers(conflict, { title: 'multiverse' }, [])).toEqual(['anna', 'ben']);
  expect(losers(conflict, null, [])).toEqual(['anna', 'ben']);
  const slot = titles('', '', {
    fields: ['room', 'start'],
    versions: [by('anna', { room: 'A', start: '10' }), by('ben', { room: 'A', start: '11' })],
  });
  expect(losers(slot, { room: 'A', start: '11' }, [])).toEqual(['anna']);
});

test('[DLOST2] what was kept beside the others, as whole words, was kept', () => {
  expect(losers(titles('universe', 'unicorn'), { title: 'universe / unicorn' }, [])).toEqual([]);
  expect(losers(titles('corn', 'unicorn'), { title: 'unicorn' }, [])).toEqual(['anna']);
});

test('[DLOST3] a version that lives on in another conflict is not lost yet', () => {
  const conflict = titles('universe', 'unicorn');
  expect(losers(conflict, { title: 'unicorn' }, [conflict])).toEqual([]);
  const next = titles('universe', 'multiverse', { id: 'two' });
  expect(losers(conflict, { title: 'multiverse' }, [{ ...next, versions: [next.versions[0]!] }])).toEqual(['ben']);
});

test('[DLOST4] of a text only the places count where the versions clash', () => {
  const text = titles('', '', {
    fields: ['body'],
    provisional: { body: 'ask about the unicorn key, and coffee' },
    hunks: [{ offset: 14, length: 7, base: 'boat', versions: ['universe', 'unicorn'] }],
  });
  expect(losers(text, { body: 'ask about the unicorn key, and coffee' }, [])).toEqual(['anna']);
  expect(losers(text, { body: 'the universe key, and tea' }, [])).toEqual(['ben']);
  expect(losers(text, { body: 'the universe / unicorn key' }, [])).toEqual([]);
});

test('[DLOST5] of a delete and an edit one is lost', () => {
  const conflict: DeleteConflict = {
    ...titles('', ''),
    kind: 'delete',
    deleted: by('ben', null),
    edited: by('anna', { title: 'a' }),
    resolve: () => Promise.reject(new Error('not here')),
  };
  expect(losers(conflict, null, [])).toEqual(['anna']);
  expect(losers(conflict, { title: 'a' }, [])).toEqual(['ben']);
});

import { expect, test } from 'vitest';

import { openLostVersions } from './lost-versions.ts';

function memory(): Pick<Storage, 'getItem' | 'setItem'> & { readonly items: Map<string, string> } {
  const items = new Map<string, string>();
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}

test('[DLOST6] what lost is remembered with the database, the latest of it, also beside another tab', () => {
  const store = memory();
  const [one, other] = [openLostVersions(store, 'a'), openLostVersions(store, 'a')];
  one.add(['x']);
  other.add(['y']);
  expect([...openLostVersions(store, 'a').getSnapshot()]).toEqual(['x', 'y']);
  expect(openLostVersions(store, 'b').getSnapshot().size).toBe(0);
  one.add(Array.from({ length: 1_000 }, (_, i) => `${i}`));
  const kept = openLostVersions(store, 'a').getSnapshot();
  expect([kept.size < 1_000, kept.has('999'), kept.has('x')]).toEqual([true, true, false]);
});

test('[DLOST6] a store that is full or damaged does no harm', () => {
  const store = memory();
  store.items.set('skerry.lost/a', '{nonsense');
  const full = openLostVersions(store, 'a');
  const told: number[] = [];
  full.subscribe(() => told.push(full.getSnapshot().size));
  full.add(['x']);
  expect(told).toEqual([1]);
  const refusing = openLostVersions(
    {
      ...store,
      setItem: () => {
        throw new Error('full');
      },
    },
    'a',
  );
  refusing.add(['x']);
  expect(refusing.getSnapshot().has('x')).toBe(true);
});

import type { Commit, DeleteConflict, FieldConflict, RejectedWrite, Version } from '@skerry/sdk';
import { expect, test } from 'vitest';

import type { Identity } from '../data/identity.ts';
import { planOf, rulesFor } from './bulk.ts';

const me = { user: { id: 'anna', name: 'Anna' }, deviceHere: 'this laptop' } as Identity;

test('[DBULK1] the rules are mine, everyone else who wrote a version, and the latest', () => {
  const conflicts = [title('1', ['anna', 10], ['bruno', 20]), title('2', ['clara', 10], ['bruno', 20])];
  expect(rulesFor(conflicts, me).map(({ label }) => label)).toEqual([
    'Keep mine',
    'Keep Bruno’s',
    'Keep Clara’s',
    'Keep the latest',
  ]);
});

test('[DBULK2] a plan says what each would keep and what it passes over, and leaves alone where the person has no version', () => {
  const conflicts = [title('1', ['anna', 10], ['bruno', 20]), title('2', ['clara', 10], ['bruno', 20])];
  const [mine, , , latest] = rulesFor(conflicts, me);
  expect(planOf(conflicts, mine!, me)).toMatchObject([
    {
      conflict: { id: '1' },
      subject: 'title',
      kept: { author: { name: 'You' }, text: 'by anna' },
      instead: [{ author: { name: 'Bruno' }, text: 'by bruno' }],
    },
  ]);
  expect(planOf(conflicts, latest!, me).map(({ kept }) => kept.text)).toEqual(['by bruno', 'by bruno']);
});

test('[DBULK3] what is decided is the version that the plan shows; of two of one person the later', async () => {
  const decided: unknown[] = [];
  const field = { ...title('1', ['anna', 10], ['bruno', 20], ['anna', 15]), resolve: note(decided) };
  const gone = { ...deleted(['bruno', 30], ['anna', 10]), resolve: note(decided) };
  const [mine, brunos] = rulesFor([field, gone], me);
  for (const rule of [mine!, brunos!]) for (const item of planOf([field, gone], rule, me)) await item.decide();
  expect(decided).toEqual([{ version: 2 }, 'keep', { version: 1 }, 'delete']);
});

test('[DBULK4] what a server refused is not decided in bulk', () => {
  const refused = { kind: 'rejected', id: 'r', collection: 'notes', rowId: 'n' } as RejectedWrite;
  expect(planOf([refused], { label: '', person: null }, me)).toEqual([]);
});

type By = readonly [user: string, minutes: number];

function title(id: string, ...by: readonly By[]): FieldConflict {
  return {
    kind: 'field',
    id,
    collection: 'notes',
    rowId: id,
    detectedAt: new Date(0),
    fields: ['title'],
    base: {},
    versions: by.map((one) => version(one, { title: `by ${one[0]}` })),
    provisional: {},
    resolve: note([]),
  };
}

function deleted(deleter: By, editor: By): DeleteConflict {
  return {
    kind: 'delete',
    id: 'd',
    collection: 'notes',
    rowId: 'd',
    detectedAt: new Date(0),
    deleted: version(deleter, null),
    edited: version(editor, { title: 'Boat' }),
    resolve: note([]),
  };
}

function version<V>([user, minutes]: By, value: V): Version<V> {
  return {
    value,
    user: { id: user, name: user[0]!.toUpperCase() + user.slice(1) },
    device: null,
    at: new Date(minutes * 60_000),
    here: false,
  };
}

function note(decided: unknown[]) {
  return async (choice: unknown): Promise<Commit<void>> => {
    decided.push(choice);
    return {} as Commit<void>;
  };
}

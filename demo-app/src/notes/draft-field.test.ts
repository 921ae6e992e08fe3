import type { ReadToken } from '@skerry/sdk';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createDraftField, type DraftField } from './draft-field.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('[DSAVE1] saves a moment after the last key, and only then', async () => {
  const { field, saves } = connected();
  field.send({ type: 'typed', value: 'u' });
  await vi.advanceTimersByTimeAsync(200);
  field.send({ type: 'typed', value: 'un' });
  await vi.advanceTimersByTimeAsync(200);
  expect(saves).toEqual([]);
  await vi.advanceTimersByTimeAsync(100);
  expect(saves).toEqual(['un']);
  expect(field.getSnapshot()).toMatchObject({ shown: 'un', isDirty: false });
});

test('[DSAVE2] who types without a pause is saved every two seconds', async () => {
  const { field, saves } = connected();
  for (let key = 1; key <= 45; key++) {
    field.send({ type: 'typed', value: 'x'.repeat(key) });
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(saves.map((value) => value.length)).toEqual([20, 40]);
});

test('[DSAVE3] leaving the field saves at once', async () => {
  const { field, saves } = connected();
  field.send({ type: 'focused' });
  field.send({ type: 'typed', value: 'now' });
  field.send({ type: 'left' });
  await field.flush();
  expect(saves).toEqual(['now']);
});

test('[DSAVE4] a save that fails is told, and tried again with the next flush', async () => {
  const { field, saves, errors, fail } = connected();
  fail(true);
  field.send({ type: 'typed', value: 'kept' });
  await field.flush();
  expect(errors).toHaveLength(1);
  expect(field.getSnapshot()).toMatchObject({ shown: 'kept', isDirty: true });
  fail(false);
  await field.flush();
  expect(saves).toEqual(['kept']);
});

test('[DSAVE5] a write names what its writer had seen, not what came in while they typed', async () => {
  const { field, seen } = connected();
  field.send({ type: 'focused' });
  field.send({ type: 'typed', value: 'universe' });
  field.send({ type: 'stored', value: 'unicorn', isConflicted: false });
  await field.flush();
  expect(seen).toEqual(['token 2']);
  field.send({ type: 'typed', value: 'both' });
  await field.flush();
  expect(seen[1]).not.toBe('token 2');
});

test('[DSAVE6] a conflict is settled by a write of someone who saw it, not of someone it opened under', async () => {
  const under = connected();
  under.field.send({ type: 'focused' });
  under.field.send({ type: 'stored', value: 'unicorn', isConflicted: true });
  under.field.send({ type: 'typed', value: 'mine' });
  await under.field.flush();
  expect(under.settled()).toBe(0);
  expect(under.seen).toEqual(['token 2']);

  const knowing = connected(true);
  knowing.field.send({ type: 'focused' });
  knowing.field.send({ type: 'typed', value: 'decided' });
  await knowing.field.flush();
  expect(knowing.settled()).toBe(1);
});

interface Connected {
  readonly field: DraftField;
  readonly saves: string[];
  readonly seen: string[];
  readonly errors: unknown[];
  settled(): number;
  fail(on: boolean): void;
}

/** The field over a row in memory; each read token is named by its number. */
function connected(isConflicted = false): Connected {
  const saves: string[] = [];
  const seen: string[] = [];
  const errors: unknown[] = [];
  let tokens = 0;
  let settled = 0;
  let fails = false;
  let row = '';
  const field = createDraftField(
    {
      readToken: async () => `token ${++tokens}` as unknown as ReadToken,
      save: async (value, token) => {
        if (fails) throw new Error('no space');
        saves.push(value);
        seen.push(String(token));
        row = value;
      },
      load: async () => row,
      onError: (error) => errors.push(error),
      onSettled: () => settled++,
    },
    row,
    isConflicted,
  );
  return { field, saves, seen, errors, settled: () => settled, fail: (on) => (fails = on) };
}

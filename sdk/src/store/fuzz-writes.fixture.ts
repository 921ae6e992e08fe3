/** Random writes of an app: every call of Dexie that writes, each with what it must leave behind. */
import { Dexie, type Table } from 'dexie';
import { expect } from 'vitest';

import type { Row } from '../core/view.ts';
import type { Json } from '../lib/json.ts';
import { seededRandom } from '../lib/random.ts';
import type { ExpectedRows, Fields } from './expected-rows.fixture.ts';
import type { LocalDatabase, SeenRecord } from './local-database.ts';

export interface Dice {
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A number that was not there before. */
  fresh(): number;
}

export function diceOf(seed: number): Dice {
  const random = seededRandom(seed * 7919);
  let count = 0;
  const below = (n: number): number => Math.floor(random.fraction() * n);
  return {
    below,
    chance: (probability) => random.fraction() < probability,
    pick: (from) => from[below(from.length)]!,
    fresh: () => ++count,
  };
}

/** A row as a form was opened with it. */
export interface Seen {
  readonly id: string;
  readonly state: SeenRecord;
}

export interface Writing {
  readonly db: LocalDatabase;
  readonly dice: Dice;
  readonly expected: ExpectedRows;
  /** The rows before. */
  readonly before: ReadonlyMap<string, Row>;
  /** Of this device, and those of this very transaction; null where there is none. */
  readonly tokens: Seen[] | null;
  /** Notes what is done. */
  log(what: string, ...about: unknown[]): void;
}

type Write = (writing: Writing, notes: Table<Fields, string>) => Promise<void>;

const IDS = ['r0', 'r1', 'r2', 'r3'];

export const randomId = (dice: Dice): string => dice.pick(IDS);

/** One random call. */
export function writeOnce(writing: Writing): Promise<void> {
  const write = writing.dice.pick(WRITES);
  return write(writing, writing.db.dexie.table('notes') as Table<Fields, string>);
}

const put: Write = async ({ dice, expected, log }, notes) => {
  const row = randomRow(dice);
  log('put', row);
  await notes.put(row);
  expected.put(row.id, row);
};

const add: Write = async ({ dice, expected, log }, notes) => {
  const row = randomRow(dice);
  log('add', row);
  const isTaken = expected.has(row.id);
  const failure = await notes.add(row).then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure instanceof Dexie.ConstraintError, `[FUZ2] add finds ${row.id}`).toBe(isTaken);
  if (!isTaken) expected.put(row.id, row);
};

const update: Write = async ({ dice, expected, before, log }, notes) => {
  const id = randomId(dice);
  const fields = randomPatch(dice, before.get(id));
  log('update', id, fields);
  const count = await notes.update(id, fields as never);
  expect(count, `[FUZ2] update finds ${id}`).toBe(expected.update(id, fields) ? 1 : 0);
};

const updateSeen: Write = async ({ db, dice, expected, tokens, log }, notes) => {
  if (!tokens || tokens.length === 0) return;
  const { id, state } = dice.pick(tokens);
  const fields = randomFields(dice);
  log('update as seen', id, fields);
  const seen = db.writeAsSeen('notes', id, state);
  await notes.put({ ...seen, ...fields });
  expected.putAsSeen(id, seen, fields);
};

const openForm: Write = async ({ db, dice, tokens, log }, notes) => {
  const id = randomId(dice);
  if (!tokens || !(await notes.get(id))) return;
  log('form of', id);
  tokens.push({ id, state: await db.readSeen('notes', id) });
};

const remove: Write = async ({ dice, expected, log }, notes) => {
  const id = randomId(dice);
  log('delete', id);
  await notes.delete(id);
  expected.delete(id);
};

const bulkPut: Write = async ({ dice, expected, log }, notes) => {
  const rows = [randomRow(dice), randomRow(dice), randomRow(dice)];
  log('bulkPut', ...rows);
  await notes.bulkPut(rows);
  for (const row of rows) expected.put(row.id, row);
};

const bulkUpdate: Write = async ({ dice, expected, log }, notes) => {
  const changes = ['r1', 'r2'].map((key) => ({ key, changes: randomFields(dice) }));
  log('bulkUpdate', ...changes);
  await notes.bulkUpdate(changes as never);
  for (const { key, changes: fields } of changes) expected.update(key, fields);
};

const modify: Write = async ({ dice, expected, log }, notes) => {
  const title = `m${dice.fresh()}`;
  log('modify r0 and r2', title);
  await notes.where('id').anyOf('r0', 'r2').modify({ title });
  for (const id of ['r0', 'r2']) expected.update(id, { title });
};

const bulkDelete: Write = async ({ expected, log }, notes) => {
  log('bulkDelete r1 and r3');
  await notes.bulkDelete(['r1', 'r3', 'r1']);
  for (const id of ['r1', 'r3']) expected.delete(id);
};

const clear: Write = async ({ dice, expected, log }, notes) => {
  if (dice.chance(0.7)) return;
  log('clear');
  await notes.clear();
  expected.clear();
};

/** Two calls at once: steps of a transaction run one after another. */
const both: Write = async ({ dice, expected, log }, notes) => {
  const [first, second] = [randomRow(dice), randomRow(dice)];
  log('two puts at once', first, second);
  await Promise.all([notes.put(first), notes.put(second)]);
  expected.put(first.id, first);
  expected.put(second.id, second);
};

/** Some more often than others. */
const WRITES: readonly Write[] = [
  put,
  put,
  add,
  update,
  update,
  update,
  openForm,
  updateSeen,
  updateSeen,
  remove,
  bulkPut,
  bulkUpdate,
  modify,
  bulkDelete,
  clear,
  both,
];

function randomRow(dice: Dice): Fields & { readonly id: string } {
  return { id: randomId(dice), ...randomFields(dice) };
}

/** Sometimes without the title, sometimes with what was there all along. */
function randomPatch(dice: Dice, before: Row | undefined): Fields {
  const fields = { ...randomFields(dice), ...(dice.chance(0.2) ? { title: undefined } : {}) };
  const { id: _id, ...same } = before ?? {};
  return dice.chance(0.3) ? { ...fields, ...same } : fields;
}

function randomFields(dice: Dice): Fields {
  const words = ['one', 'two', 'three', 'four', 'five'];
  const all: Record<string, readonly [probability: number, value: () => Json]> = {
    title: [0.5, () => `v${dice.chance(0.3) ? 0 : dice.fresh()}`],
    tags: [0.3, () => ['a', 'b', 'c', 3].filter(() => dice.chance(0.5))],
    likes: [0.3, () => dice.below(9) - 3],
    room: [0.3, () => `r${dice.below(2)}`],
    start: [0.2, () => dice.below(3)],
    pinned: [0.2, () => dice.chance(0.5)],
    rank: [0.2, () => dice.fresh()],
    body: [0.3, () => words.map((word) => (dice.chance(0.2) ? `${word}${dice.fresh()}` : word)).join(' ')],
    labels: [
      0.3,
      () => Object.fromEntries(['a', 'b/"#', 'c'].filter(() => dice.chance(0.5)).map((key) => [key, dice.below(3)])),
    ],
    seen: [0.3, () => dice.fresh()],
    folded: [0.3, () => dice.fresh()],
    span: [0.3, () => ({ from: dice.below(50), to: 50 + dice.below(50) })],
    extra: [0.15, () => ({ k: [dice.fresh()] })],
  };
  const chosen = Object.entries(all).filter(([, [probability]]) => dice.chance(probability));
  return Object.fromEntries(chosen.map(([field, [, value]]) => [field, value()]));
}

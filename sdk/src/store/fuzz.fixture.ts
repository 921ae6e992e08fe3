/**
 * Random histories of real stores: two devices with two tabs each write, read forms, resolve, push, pull pages in
 * pieces and correct their clocks. After every step the stores are checked, at the end the devices are compared.
 */
import { expect } from 'vitest';

import { registerRow } from '../core/commit.ts';
import type { OpenConflict } from '../core/conflict.ts';
import { countOf } from '../core/version-vector.ts';
import type { Row } from '../core/view.ts';
import { canonicalState } from '../core/history.fixture.ts';
import type { Page } from '../protocol/messages.ts';
import { hot } from '../policies/hot.ts';
import { local } from '../policies/local.ts';
import { map } from '../policies/map.ts';
import { ASK, type MergeInput } from '../policies/merge.ts';
import { text } from '../policies/text.ts';
import { expectConsistent, textOf } from './consistency.fixture.ts';
import { changesOf, LogServer, NOTES, SID, testDevice, type TestDevice } from './devices.fixture.ts';
import { ExpectedRows } from './expected-rows.fixture.ts';
import { diceOf, randomId, writeOnce, type Dice, type Seen, type Writing } from './fuzz-writes.fixture.ts';
import { RECORDS } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';

const PLAN = {
  ...NOTES,
  fields: {
    ...NOTES.fields,
    body: text(),
    rank: { kind: 'lww' as const },
    labels: map(),
    seen: hot(),
    folded: local(),
    span: { kind: 'merge' as const, name: 'widest' },
  },
};
/** Where ranges went apart, all of them; sometimes somebody has to decide. */
const MERGES = {
  widest: ({ versions }: MergeInput<{ from: number; to: number }>) => {
    const from = Math.min(...versions.map((version) => version.from));
    return from === 7 ? ASK : { from, to: Math.max(...versions.map((version) => version.to)) };
  },
};
/** A row that somebody else deleted comes back with an edit, asked about or not. */
const LIFE_POLICIES = ['ask', 'ask', 'edit-wins'] as const;
const STEPS = 45;
const EVERYTHING = { changes: 1000, bytes: 1e9 };
/** So many lines of what was done are printed with a failure. */
const TRACE_LINES = 14;

interface World {
  readonly dice: Dice;
  readonly server: LogServer;
  readonly devices: readonly Device[];
  readonly trace: string[];
  nowMs: number;
}

interface Device {
  readonly name: string;
  readonly tabs: readonly TestDevice[];
  readonly tokens: Seen[];
}

type Step = (world: World, device: Device, tab: TestDevice) => Promise<void>;

/** Throws what is wrong, with the seed and the last steps. */
export async function runHistory(seed: number): Promise<void> {
  const world = await openWorld(seed);
  try {
    for (let step = 0; step < STEPS; step++) await runStep(world);
    await expectEqualDevices(world);
  } catch (error) {
    const lines = [`seed ${seed}`, ...world.trace.slice(-TRACE_LINES), error instanceof Error ? error.message : ''];
    throw new Error(lines.join('\n'), { cause: error });
  } finally {
    for (const { tabs } of world.devices) for (const tab of tabs) tab.close();
  }
}

async function openWorld(seed: number): Promise<World> {
  const devices: Device[] = [];
  const plan = { ...PLAN, onDeleteVsEdit: LIFE_POLICIES[seed % LIFE_POLICIES.length]! };
  const world = { dice: diceOf(seed), server: new LogServer(), devices, trace: [], nowMs: 1_800_000_000_000 };
  for (const name of ['anna', 'ben']) {
    const open = (): Promise<TestDevice> =>
      testDevice(name, { name: `fuzz-${seed}-${name}`, plan, merges: MERGES, nowMs: () => world.nowMs });
    devices.push({ name, tabs: [await open(), await open()], tokens: [] });
  }
  return world;
}

async function runStep(world: World): Promise<void> {
  const { dice, devices } = world;
  world.nowMs += dice.below(50);
  const device = dice.pick(devices);
  const percent = dice.below(100);
  const [, step] = STEP_KINDS.find(([upTo]) => percent < upTo)!;
  await step(world, device, dice.pick(device.tabs));
  await expectConsistent(dice.pick(device.tabs), '[FUZ1]');
}

const write: Step = async (world, device, tab) => {
  const { dice } = world;
  const before = await readRows(tab);
  const calls = 1 + dice.below(5);
  const isBare = calls === 1 && dice.chance(0.5);
  const isUndone = !isBare && dice.chance(0.08);
  world.trace.push(`-- ${device.name} writes${isUndone ? ', to be undone' : ''}`);
  const writing: Writing = {
    db: tab.db,
    dice,
    expected: new ExpectedRows(before),
    before: new Map(before.map((row) => [row['id'] as string, row])),
    tokens: isBare ? null : [...device.tokens],
    log: (what, ...about) => void world.trace.push([what, ...about.map((one) => JSON.stringify(one))].join(' ')),
  };
  if (isBare) await writeOnce(writing);
  else await transact(writing, calls, isUndone);
  const expected = isUndone ? new ExpectedRows(before) : writing.expected;
  expected.expectIn(await readRows(tab), '[FUZ2]');
};

async function transact(writing: Writing, calls: number, isUndone: boolean): Promise<void> {
  const undo = new Error('undo');
  const transaction = writing.db.transact({}, async () => {
    for (let i = 0; i < calls; i++) await writeOnce(writing);
    if (isUndone) throw undo;
  });
  await transaction.catch((error: unknown) => {
    if (error !== undo) throw error;
  });
}

/** A form is opened: what it shows may be saved much later. */
const openForm: Step = async ({ dice, trace }, { name, tokens }, tab) => {
  const id = randomId(dice);
  if (!(await tab.db.dexie.table('notes').get(id))) return;
  trace.push(`-- ${name} opens a form of ${id}`);
  tokens.push({ id, state: await tab.db.readSeen('notes', id) });
};

const resolve: Step = async ({ dice, trace }, { name }, tab) => {
  const open = await tab.db.readConflicts();
  if (open.length === 0) return;
  const conflict = dice.pick(open);
  const choice = randomChoice(dice, conflict);
  trace.push(`-- ${name} resolves ${conflict.kind} of ${conflict.rowId} ${JSON.stringify(choice)}`);
  await tab.db.resolve(conflict, choice);
  const left = (await tab.db.readConflicts()).map(({ id }) => id);
  expect(left, '[FUZ2] the conflict is settled').not.toContain(conflict.id);
  const row = (await tab.db.dexie.table('notes').get(conflict.rowId)) as Row | undefined;
  if ('life' in choice) expect(row !== undefined, '[FUZ2] kept or deleted').toBe(choice.life === 'live');
  else expect(row, '[FUZ2] the resolution is shown').toMatchObject(choice.row);
};

function randomChoice(dice: Dice, conflict: OpenConflict): Parameters<TestDevice['db']['resolve']>[1] {
  if (conflict.kind !== 'field') return { life: dice.pick(['live', 'dead']) };
  return { row: registerRow(conflict.path, conflict.fields, dice.pick(conflict.versions).v) };
}

const push: Step = async ({ dice, server, trace }, { name }, tab) => {
  const items = await tab.store.readOutbox(null, { changes: 1 + dice.below(5), bytes: 1e9 });
  trace.push(`-- ${name} pushes ${items.length}`);
  for (const { change } of items) server.admit(change);
};

/** A page may overlap what is known; own changes may come without content. */
const pull: Step = async ({ dice, server, trace }, { name }, tab) => {
  const { cursor } = await tab.store.readIdentity();
  const page = server.page(Math.max(0, countOf(cursor, SID) - dice.below(3)), 1 + dice.below(5));
  const isBare = dice.chance(0.6);
  trace.push(`-- ${name} pulls ${page.entries.length}${isBare ? ', own ones without content' : ''}`);
  const result = await tab.store.ingest(isBare ? await withoutOwn(tab, page) : page, [SID]);
  expect(result.type, '[FUZ1] the page continues the log').toBe('ingested');
};

async function withoutOwn({ store }: TestDevice, page: Page): Promise<Page> {
  const own = new Set((await store.readOutbox(null, EVERYTHING)).map((item) => item.change.dot));
  return {
    ...page,
    entries: changesOf(page).map(({ stamp, dot, ...rest }) => ({
      stamp,
      dot,
      ...(own.has(dot) ? {} : rest),
    })),
  };
}

/** A server refused a stamp: everything that it does not have yet gets another one. */
const correctClock: Step = async ({ server, nowMs, trace }, { name }, tab) => {
  const known = new Set(server.log.map((change) => change.dot));
  const items = await tab.store.readOutbox(null, EVERYTHING);
  const last = items.findLast((item) => known.has(item.change.dot));
  trace.push(`-- ${name} corrects its clock`);
  await tab.store.correctClock(last?.position ?? null, nowMs);
};

/** Up to so many in a hundred. */
const STEP_KINDS: readonly (readonly [upTo: number, step: Step])[] = [
  [62, write],
  [70, openForm],
  [78, resolve],
  [88, push],
  [97, pull],
  [100, correctClock],
];

async function expectEqualDevices({ server, devices }: World): Promise<void> {
  const [anna, ben] = devices.map(({ tabs }) => tabs[0]!) as [TestDevice, TestDevice];
  for (const device of [anna, ben, anna]) await device.sync(server);
  for (const device of [anna, ben]) await expectConsistent(device, '[FUZ1]');
  expect(await contentOf(anna), '[FUZ3] both devices').toEqual(await contentOf(ben));
}

async function contentOf(tab: TestDevice): Promise<unknown> {
  const records = ((await tab.db.dexie.table(RECORDS).toArray()) as StoredRecordRow[]).map(recordRow);
  return {
    rows: (await readRows(tab)).map(({ folded: _here, ...row }) => textOf(row)),
    conflicts: (await tab.db.readConflicts()).map(textOf),
    states: records.map(({ id, base, overlay }) => [id, base && canonicalState(base), overlay]),
  };
}

function readRows(tab: TestDevice): Promise<Row[]> {
  return Promise.resolve(tab.db.dexie.table('notes').orderBy('id').toArray() as PromiseLike<Row[]>);
}

import { expect, test } from 'vitest';

import type { ConstraintPlan } from '../core/constraint.ts';
import type { Row } from '../core/view.ts';
import { planOf, Replica } from './rows.fixture.ts';

const ROOMS = { kind: 'noOverlap', name: 'rooms', by: 'room', from: 'start', to: 'end' } as const;

/** One replica with one constraint of events. */
function replica(plan: ConstraintPlan, name = 'anna'): Replica {
  return new Replica(name, [planOf([plan]), { ...planOf([], 'people'), groups: [] }]);
}

function meeting(start: Row[string], end: Row[string], room: Row[string] = 'A'): Record<string, Row[string]> {
  return { room: room!, start: start!, end: end! };
}

/** The rows of each open conflict. */
function open({ open: conflicts }: Replica): readonly (readonly string[])[] {
  return conflicts.map(({ rowIds }) => rowIds).toSorted();
}

test('[CST4] rows of one room that share a moment are a conflict; what touches, and other rooms, are not', () => {
  const anna = replica(ROOMS);
  anna.write('events', 'a', meeting(10, 12));
  anna.write('events', 'b', meeting(12, 14));
  anna.write('events', 'c', meeting(10, 14, 'B'));
  expect(open(anna)).toEqual([]);
  anna.write('events', 'd', meeting(13, 20));
  expect(open(anna)).toEqual([['b', 'd']]);
  anna.write('events', 'd', { room: 'C' });
  expect(open(anna)).toEqual([]);
});

test('[CST4] what is long is found from what is short, and the other way round, far away in time', () => {
  const anna = replica(ROOMS);
  anna.write('events', 'year', meeting('2026-01-01', '2027-01-01'));
  anna.write('events', 'minute', meeting('2026-12-31T23:59', '2027-01-01T00:30'));
  expect(open(anna)).toEqual([['minute', 'year']]);
  const ben = replica(ROOMS);
  ben.write('events', 'tiny', meeting(1e15 + 0.5, 1e15 + 0.75));
  ben.write('events', 'all', meeting(-Number.MAX_VALUE, Number.MAX_VALUE));
  expect(open(ben)).toEqual([['all', 'tiny']]);
});

test.each([
  ['no room', meeting(10, 12, '')],
  ['null for a room', meeting(10, 12, null as never)],
  ['an end before its beginning', meeting(12, 10)],
  ['no length', meeting(11, 11)],
  ['a moment of another kind', meeting(10, '2026-11-17T10:00')],
  ['no moment', meeting('ten', 'twelve')],
  ['other numbers than the rest', meeting('2026-11-17T10:00', '2026-11-17T12:00')],
])('[CST11] a row with %s takes part in nothing', (_what, row) => {
  const anna = replica(ROOMS);
  anna.write('events', 'a', row);
  anna.write('events', 'b', meeting(10, 12));
  expect(open(anna)).toEqual([]);
});

test('[CST5] three bookings that overlap through the second are one conflict; the first claims stand, the other is contested', () => {
  const devices = ['anna', 'ben', 'carla'].map((name) => replica(ROOMS, name));
  const [anna, ben, carla] = devices as [Replica, Replica, Replica];
  anna.write('events', 'a', meeting(10, 12), { clock: 1 });
  ben.write('events', 'b', meeting(11, 14), { clock: 2 });
  carla.write('events', 'c', meeting(13, 15), { clock: 3 });
  for (const [i, one] of devices.entries()) for (const step of [1, 2]) one.learn(devices[(i + step) % 3]!);
  for (const one of devices) {
    expect(one.open).toEqual(anna.open);
    expect(one.open).toMatchObject([{ rowIds: ['a', 'b', 'c'], accepted: ['a', 'c'], contested: ['b'] }]);
  }
  // Moving the one in the middle closes it everywhere.
  const moved = replica(ROOMS, 'dora');
  moved.learn(anna);
  moved.write('events', 'b', { room: 'B' });
  for (const one of devices) expect(one.learn(moved)).toMatchObject([{ type: 'conflict-closed' }]);
  expect(devices.flatMap((one) => one.open)).toEqual([]);
});

test('[CST6] allowed is allowed everywhere, until somebody writes one of the constrained fields', () => {
  const [anna, ben] = [replica(ROOMS, 'anna'), replica(ROOMS, 'ben')];
  anna.write('events', 'a', meeting(10, 12));
  anna.write('events', 'b', meeting(11, 14));
  anna.write('events', 'c', meeting(13, 15));
  ben.learn(anna);
  const before = anna.open[0]!;
  expect(ben.allow(before)).toMatchObject([{ type: 'conflict-closed', conflict: before.id }]);
  anna.learn(ben);
  expect([anna.open, ben.open]).toEqual([[], []]);
  // A title is none of the constraint's business.
  anna.write('events', 'a', { title: 'Planning' });
  expect(anna.open).toEqual([]);
  anna.write('events', 'a', { start: 9 });
  ben.learn(anna);
  expect(ben.open.map(({ id }) => id)).toEqual([before.id]);
  // Moved away, the rest is another conflict, which nobody has allowed.
  ben.write('events', 'a', { start: 1, end: 2 });
  expect(open(ben)).toEqual([['b', 'c']]);
});

test('[CST6] two who allow the same conflict agree in silence, and a waiver that was taken back is none', () => {
  const [anna, ben] = [replica(ROOMS, 'anna'), replica(ROOMS, 'ben')];
  anna.write('events', 'a', meeting(10, 12));
  anna.write('events', 'b', meeting(11, 14));
  ben.learn(anna);
  const conflict = anna.open[0]!;
  anna.allow(conflict);
  ben.allow(conflict);
  anna.learn(ben);
  ben.learn(anna);
  expect([anna.open, ben.open]).toEqual([[], []]);
  anna.write('$waivers', conflict.id, null);
  ben.learn(anna);
  expect(ben.open).toEqual([conflict]);
});

test('[CST6] two who allow different states of one conflict: each is allowed as it was seen', () => {
  const [anna, ben] = [replica(ROOMS, 'anna'), replica(ROOMS, 'ben')];
  anna.write('events', 'a', meeting(10, 12));
  anna.write('events', 'b', meeting(11, 14));
  ben.learn(anna);
  anna.allow(anna.open[0]!);
  ben.write('events', 'a', { start: 9 });
  ben.allow(ben.open[0]!);
  anna.learn(ben);
  ben.learn(anna);
  expect([anna.open, ben.open]).toEqual([[], []]);
});

test('[CST7] equal values of two rows are a conflict until one of them changes or is deleted; empty ones are not', () => {
  const [anna, ben] = [
    replica({ kind: 'unique', name: 'mail', fields: ['mail'] }, 'anna'),
    replica({ kind: 'unique', name: 'mail', fields: ['mail'] }, 'ben'),
  ];
  anna.write('events', 'a', { mail: 'x@example.org' }, { clock: 2 });
  ben.write('events', 'b', { mail: 'x@example.org' }, { clock: 1 });
  anna.learn(ben);
  ben.learn(anna);
  expect(anna.open).toEqual(ben.open);
  expect(anna.open).toMatchObject([{ rowIds: ['a', 'b'], accepted: ['b'], contested: ['a'] }]);
  anna.write('events', 'a', { mail: '' });
  anna.write('events', 'c', { mail: '' });
  expect(open(anna)).toEqual([]);
  anna.write('events', 'a', { mail: 'x@example.org' });
  anna.write('events', 'b', null);
  expect(open(anna)).toEqual([]);
});

test('[CST7] all fields of a unique constraint count together, whatever they hold and however long it is', () => {
  const anna = replica({ kind: 'unique', name: 'both', fields: ['room', 'title'] });
  const long = 'x'.repeat(5_000);
  anna.write('events', 'a', { room: 'A', title: long });
  anna.write('events', 'b', { room: 'B', title: long });
  anna.write('events', 'c', { room: 'A', title: `${long}y` });
  expect(open(anna)).toEqual([]);
  anna.write('events', 'd', { room: 'A', title: long });
  anna.write('events', 'e', { room: 1, title: ['a', { b: null }] });
  anna.write('events', 'f', { room: 1, title: ['a', { b: null }] });
  anna.write('events', 'g', { room: '1', title: ['a', { b: null }] });
  expect(open(anna)).toEqual([
    ['a', 'd'],
    ['e', 'f'],
  ]);
});

test('[CST8] a row that refers to a missing one is a conflict of its own, until that is there or the field says otherwise', () => {
  const plan = { kind: 'references', name: 'speaker', field: 'speaker', collection: 'people' } as const;
  const [anna, ben] = [replica(plan, 'anna'), replica(plan, 'ben')];
  anna.write('people', 'p', { name: 'Pia' });
  anna.write('events', 'a', { speaker: 'p' });
  anna.write('events', 'b', { speaker: 'p' });
  anna.write('events', 'c', { speaker: '' });
  expect(open(anna)).toEqual([]);
  ben.learn(anna);
  ben.write('people', 'p', null);
  anna.learn(ben);
  expect(open(anna)).toEqual([['a'], ['b']]);
  expect(anna.open).toMatchObject([{ accepted: [] }, { accepted: [] }]);
  anna.write('events', 'a', { speaker: undefined });
  expect(open(anna)).toEqual([['b']]);
  anna.write('people', 'p', { name: 'Pia' });
  expect(open(anna)).toEqual([]);
});

test('[CST9] rows that are above one another are a conflict of the cycle alone; the latest claim closed it', () => {
  const plan = { kind: 'acyclic', name: 'tree', parent: 'parent' } as const;
  const [anna, ben] = [replica(plan, 'anna'), replica(plan, 'ben')];
  for (const id of ['a', 'b', 'c', 'd']) anna.write('events', id, { title: id });
  anna.write('events', 'd', { parent: 'a' }, { clock: 1 });
  ben.learn(anna);
  anna.write('events', 'a', { parent: 'b' }, { clock: 2 });
  ben.write('events', 'b', { parent: 'c' }, { clock: 3 });
  ben.write('events', 'c', { parent: 'a' }, { clock: 4 });
  expect([open(anna), open(ben)]).toEqual([[], []]);
  anna.learn(ben);
  ben.learn(anna);
  expect(anna.open).toEqual(ben.open);
  expect(anna.open).toMatchObject([{ rowIds: ['a', 'b', 'c'], accepted: ['a', 'b'], contested: ['c'] }]);
  anna.write('events', 'd', { parent: 'd' });
  expect(open(anna)).toEqual([['a', 'b', 'c'], ['d']]);
  anna.write('events', 'b', null);
  expect(open(anna)).toEqual([['d']]);
});

test('[CST12] only rows that a condition names take part: by values, lists of values, or a function', () => {
  const anna = replica({ ...ROOMS, when: { status: ['fixed', 'asked'], isPrivate: false } });
  const row = meeting(10, 12);
  anna.write('events', 'a', { ...row, status: 'fixed', isPrivate: false });
  anna.write('events', 'b', { ...row, status: 'idea', isPrivate: false });
  anna.write('events', 'c', { ...row, status: 'fixed' });
  expect(open(anna)).toEqual([]);
  anna.write('events', 'b', { status: 'asked' });
  expect(open(anna)).toEqual([['a', 'b']]);

  const ben = replica({ ...ROOMS, when: (event) => (event['seats'] as number) > 2 });
  ben.write('events', 'a', { ...row, seats: 3 });
  ben.write('events', 'b', { ...row, seats: 2 });
  expect(open(ben)).toEqual([]);
  ben.write('events', 'b', { seats: 4 });
  expect(open(ben)).toEqual([['a', 'b']]);
});

test('[CST11] what every object has is not a value of a row', () => {
  const anna = new Replica('anna', [
    planOf([
      { kind: 'unique', name: 'u', fields: ['constructor'] },
      { kind: 'noOverlap', name: 'o', by: 'toString', from: 'start', to: 'end', when: { valueOf: null } },
      { kind: 'acyclic', name: 'a', parent: 'hasOwnProperty' },
      { kind: 'references', name: 'r', field: 'isPrototypeOf', collection: 'events' },
    ]),
  ]);
  for (const id of ['a', 'b', 'c']) anna.write('events', id, meeting(10, 12));
  expect(open(anna)).toEqual([]);
  anna.write('events', 'a', { constructor: 'x' as never });
  anna.write('events', 'b', { constructor: 'x' as never });
  expect(open(anna)).toEqual([['a', 'b']]);
});

test('[CST12] a condition cannot change the row that it looks at', () => {
  const when = (event: Row): boolean => Reflect.set(event, 'room', 'elsewhere');
  const anna = replica({ ...ROOMS, when });
  anna.write('events', 'a', meeting(10, 12));
  anna.write('events', 'b', meeting(10, 12, 'B'));
  expect(open(anna)).toEqual([]);
  expect(anna.row('events', 'a')).toMatchObject({ room: 'A' });
});

test('[CST12] a condition that throws leaves its row out, and the others go on', () => {
  const anna = replica({
    ...ROOMS,
    when: (event) => {
      if (event['id'] === 'bad') throw new Error('a condition of the app');
      return true;
    },
  });
  for (const id of ['a', 'b', 'bad']) anna.write('events', id, meeting(10, 12));
  expect(open(anna)).toEqual([['a', 'b']]);
});

test('[CST13] a deleted row takes no part; one with an open conflict of its own takes part as it is shown', () => {
  const [anna, ben] = [replica(ROOMS, 'anna'), replica(ROOMS, 'ben')];
  anna.write('events', 'a', meeting(10, 12));
  anna.write('events', 'b', meeting(20, 22));
  ben.learn(anna);
  anna.write('events', 'b', meeting(11, 13), { clock: 1 });
  ben.write('events', 'b', meeting(30, 33), { clock: 2 });
  anna.learn(ben);
  // The latest is shown until somebody decides: it overlaps nothing.
  expect(anna.row('events', 'b')).toMatchObject({ start: 30 });
  expect(open(anna)).toEqual([]);
  anna.write('events', 'c', meeting(32, 40));
  expect(open(anna)).toEqual([['b', 'c']]);
  anna.write('events', 'c', null);
  expect(open(anna)).toEqual([]);
});

test('[CST14] a conflict dates from the write that completed it, on every replica', () => {
  const [anna, ben] = [replica(ROOMS, 'anna'), replica(ROOMS, 'ben')];
  anna.write('events', 'a', meeting(10, 12), { clock: 5 });
  ben.write('events', 'b', meeting(11, 12), { clock: 7 });
  anna.learn(ben);
  ben.learn(anna);
  expect([anna.open[0]!.hlc, ben.open[0]!.hlc]).toEqual([7 * 1024, 7 * 1024]);
});

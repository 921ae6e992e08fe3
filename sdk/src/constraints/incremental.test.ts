import { expect, test } from 'vitest';

import type { ConstraintPlan } from '../core/constraint.ts';
import { createRecord } from '../core/record.ts';
import { NO_WRITES, type Lookup } from './ask.ts';
import { maintainConstraints } from './maintain.ts';
import { planOf, Replica } from './rows.fixture.ts';

const CONSTRAINTS: readonly ConstraintPlan[] = [
  { kind: 'noOverlap', name: 'rooms', by: 'room', from: 'start', to: 'end' },
  { kind: 'unique', name: 'titles', fields: ['title'] },
  { kind: 'acyclic', name: 'tree', parent: 'parent' },
];

/** A room with so many meetings, one after the other, a holiday over every tenth hour of another room, and a tree. */
function office(meetings: number): Replica {
  const replica = new Replica('anna', [planOf(CONSTRAINTS)]);
  // Straight into the index: they were there before anything is measured, and break nothing.
  const claims = Array.from({ length: meetings }, (_, i) => rowOf(i)).flatMap((row) =>
    replica.constraints.claimsOf('events', row.id, createRecord(), row),
  );
  replica.index.write({ ...NO_WRITES, claims });
  return replica;
}

function rowOf(i: number) {
  return {
    id: `e${i}`,
    title: `meeting ${i}`,
    room: i % 10 === 0 ? 'B' : 'A',
    start: i * 60,
    end: i * 60 + (i % 10 === 0 ? 600 : 60),
    parent: i === 0 ? '' : `e${i >> 1}`,
  };
}

/** How much is asked for and answered when one meeting becomes another. */
function effortOf(
  replica: Replica,
  id: string,
  edit: Parameters<Replica['write']>[2],
): { asks: number; claims: number } {
  const effort = { asks: 0, claims: 0 };
  const { index } = replica;
  replica.index.run = <R>(lookup: Lookup<R>): R => {
    let step = lookup.next([]);
    while (!step.done) {
      if (step.value.type === 'write') index.write(step.value.writes);
      const answers = step.value.type === 'read' ? index.answer(step.value.asks) : [];
      effort.asks += answers.length;
      effort.claims += answers.flat().length;
      step = lookup.next(answers);
    }
    return step.value;
  };
  replica.write('events', id, edit);
  return effort;
}

test(
  '[CST15] what one change is compared with does not grow with the rows that are far from it',
  { timeout: 60_000 },
  () => {
    const efforts = [500, 50_000].map((meetings) => {
      const replica = office(meetings);
      const start = (meetings - 104) * 60 + 30;
      const effort = effortOf(replica, 'new', { title: 'new', room: 'A', start, end: start + 60, parent: 'e7' });
      expect(replica.open.map(({ rowIds }) => rowIds.length)).toEqual([3]);
      return effort;
    });
    // The same few neighbours everywhere.
    const [few, ...more] = efforts;
    expect(few!.asks).toBeLessThan(60);
    expect(few!.claims).toBeLessThan(120);
    for (const effort of more) expect(effort).toEqual(few);
  },
);

test('[CST15] an edit of what no constraint is about asks only whether that is so', { timeout: 60_000 }, () => {
  const replica = office(200);
  replica.write('events', 'e7', rowOf(7));
  expect(effortOf(replica, 'e7', { note: 'of no consequence' })).toEqual({ asks: CONSTRAINTS.length, claims: 3 });
  expect(replica.index.run(maintainConstraints(replica.constraints, []))).toEqual([]);
});

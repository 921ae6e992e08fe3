import { expect, test } from 'vitest';

import type { ConstraintPlan } from '../core/constraint.ts';
import type { Lookup } from './ask.ts';
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
  for (let i = 0; i < meetings; i++)
    replica.write('events', `e${i}`, {
      title: `meeting ${i}`,
      room: i % 10 === 0 ? 'B' : 'A',
      start: i * 60,
      end: i * 60 + (i % 10 === 0 ? 600 : 60),
      parent: `e${i >> 1}` === `e${i}` ? undefined : `e${i >> 1}`,
    });
  return replica;
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

test('[CST15] what one change is compared with does not grow with the rows that are far from it', () => {
  const efforts = [500, 50_000].map((meetings) => {
    const replica = office(meetings);
    const last = meetings - 1;
    const effort = effortOf(replica, `e${last}`, { start: (last - 103) * 60 + 30, end: (last - 103) * 60 + 90 });
    expect(replica.open.map(({ rowIds }) => rowIds.length)).toEqual([3]);
    return effort;
  });
  // The same few neighbours everywhere.
  const [few, ...more] = efforts;
  expect(few!.asks).toBeLessThan(60);
  expect(few!.claims).toBeLessThan(120);
  for (const effort of more) expect(effort).toEqual(few);
});

test('[CST15] an edit of what no constraint is about asks only whether that is so', () => {
  const replica = office(200);
  expect(effortOf(replica, 'e7', { note: 'of no consequence' })).toEqual({ asks: CONSTRAINTS.length, claims: 3 });
  expect(replica.index.run(maintainConstraints(replica.constraints, []))).toEqual([]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { ConstraintPlan } from '../core/constraint.ts';
import { ClaimIndex } from './claim-index.ts';
import { maintainConstraints } from './maintain.ts';
import { planOf, Replica } from './rows.fixture.ts';

const CONSTRAINTS: readonly ConstraintPlan[] = [
  { kind: 'noOverlap', name: 'rooms', by: 'room', from: 'start', to: 'end', when: { kind: ['talk', 'break'] } },
  { kind: 'unique', name: 'titles', fields: ['title', 'room'] },
  { kind: 'references', name: 'speaker', field: 'speaker', collection: 'people' },
  { kind: 'acyclic', name: 'tree', parent: 'parent' },
];
const PLANS = [planOf(CONSTRAINTS), { ...planOf([], 'people'), groups: [] }];

const REPLICAS = 3;
const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const edit = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      room: fc.constantFrom('A', 'B', ''),
      start: fc.nat(30),
      end: fc.nat(40),
      kind: fc.constantFrom('talk', 'break', 'idea'),
    }),
  },
  fc.record({ title: fc.constantFrom('x', 'y'), room: fc.constantFrom('A', 'B') }),
  fc.record({ speaker: fc.constantFrom('p', 'q', undefined) }),
  fc.record({ parent: fc.constantFrom(...IDS, undefined) }),
  fc.constant(null),
);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('event' as const),
      by: fc.nat(REPLICAS - 1),
      id: fc.constantFrom(...IDS),
      edit,
      clock: fc.nat(50),
    }),
  },
  fc.record({
    type: fc.constant('person' as const),
    by: fc.nat(REPLICAS - 1),
    id: fc.constantFrom('p', 'q'),
    isThere: fc.boolean(),
  }),
  fc.record({ type: fc.constant('allow' as const), by: fc.nat(REPLICAS - 1), which: fc.nat(3) }),
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('learn' as const), by: fc.nat(REPLICAS - 1), from: fc.nat(REPLICAS - 1) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function act(replicas: readonly Replica[], one: Step): void {
  const replica = replicas[one.by]!;
  switch (one.type) {
    case 'event':
      return void replica.write('events', one.id, one.edit, { clock: one.clock });
    case 'person':
      return void replica.write('people', one.id, one.isThere ? { name: one.id } : null);
    case 'allow': {
      const conflict = replica.open[one.which];
      return conflict && void replica.allow(conflict);
    }
    case 'learn':
      return void replica.learn(replicas[one.from]!);
  }
}

test(
  '[CST1] what is kept up to date is what is found from scratch, after every write and every page',
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const replicas = Array.from({ length: REPLICAS }, (_, i) => new Replica(`r${i}`, PLANS));
        for (const one of steps) {
          act(replicas, one);
          expect(replicas[one.by]!.open).toEqual(replicas[one.by]!.fromScratch);
        }
      }),
      { numRuns: 200 },
    );
  },
);

test(
  '[CST2] replicas that know the same have the same conflicts, ids and verdicts, whatever the order',
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const replicas = Array.from({ length: REPLICAS }, (_, i) => new Replica(`r${i}`, PLANS));
        for (const one of steps) act(replicas, one);
        for (const replica of replicas) for (const other of replicas) replica.learn(other);
        for (const replica of replicas) replica.learn(replicas.at(-1)!);
        // One that got everything at once, and one that computes everything anew.
        const late = new Replica('late', PLANS);
        late.learn(replicas[0]!);
        const anew = new ClaimIndex();
        anew.run(maintainConstraints(late.constraints, late.changed()));
        for (const other of [...replicas.slice(1), late]) expect(other.open).toEqual(replicas[0]!.open);
        expect(anew.conflicts).toEqual(late.index.conflicts);
      }),
      { numRuns: 100 },
    );
  },
);

test('[CST3] what is told to have opened and closed adds up to what is open', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const replica = new Replica('r0', PLANS);
      const open = new Set<string>();
      for (const one of steps) {
        const before = replica.log.length;
        act([replica, replica, replica], { ...one, by: 0 });
        if (replica.log.length === before) continue;
        // The same write once more, on a copy that has everything before it, to see what it tells.
        const copy = new Replica('copy', PLANS);
        copy.apply(replica.log.slice(0, before));
        for (const { type, conflict } of copy.apply(replica.log.slice(before))) {
          if (type === 'conflict-opened') expect(open.size).toBe(open.add(conflict).size - 1);
          else expect(open.delete(conflict)).toBe(true);
        }
        expect([...open].sort()).toEqual(replica.open.map(({ id }) => id));
      }
    }),
    { numRuns: 60 },
  );
});

/** [I10] What a device says about broken constraints is what its records say, worked out by comparing all with all. */
import {
  canonicalJson,
  compileConstraints,
  conflictsFromScratch,
  type CollectionPlan,
  type CollectionSchema,
  type ConstraintPlan,
  type Constraints,
  type Json,
} from '@skerry/sdk/kernel';
import { recordKey, type TestDevice } from '@skerry/sdk/testing';

import { Violation } from './violation.ts';

/** Every kind, over the notes of the simulation. */
export const CONSTRAINTS: readonly ConstraintPlan[] = [
  { kind: 'noOverlap', name: 'rooms', by: 'room', from: 'begins', to: 'ends', when: { pinned: [true, false] } },
  { kind: 'unique', name: 'seats', fields: ['room', 'seat'], confirm: 'home' },
  { kind: 'references', name: 'mentions', field: 'mentions', collection: 'notes' },
  { kind: 'acyclic', name: 'tree', parent: 'parent' },
];

/** What a note says of those: small numbers, so that notes meet. */
export function constrainedFields(value: number): Readonly<Record<string, Json>> {
  const begins = value % 12;
  return {
    room: `room ${value % 2}`,
    pinned: value % 3 > 0,
    begins,
    ends: begins + 1 + (value % 5),
    seat: value % 4,
    mentions: `r${value % 8}`,
    parent: value % 7 === 6 ? '' : `r${value % 7}`,
  };
}

export function constraintsOf(plan: CollectionPlan, schemas: ReadonlyMap<string, CollectionSchema>): Constraints {
  return compileConstraints([plan], schemas);
}

export function checkConstraints(device: TestDevice, constraints: Constraints): void {
  const { records, rows, constraints: kept } = device.store.disk;
  const changed = [...records.values()].map(({ c, id, overlay, base }) => ({
    collection: c,
    id,
    state: overlay ?? base,
    row: rows.get(recordKey(c, id)) ?? null,
  }));
  const wanted = conflictsFromScratch(constraints, changed);
  const found = [...kept.conflicts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (textOf(found) !== textOf(wanted))
    throw new Violation(
      'I10',
      `${device.name} lists broken constraints\n  ${textOf(found)}\nand has\n  ${textOf(wanted)}`,
    );
}

/** [I3] The same on every replica: ids, accepted and contested rows, what allowing would name, and who came first. */
export function checkEqualConstraints(a: TestDevice, b: TestDevice): void {
  const [one, other] = [a, b].map(({ store }) => {
    const { conflicts, claims } = store.disk.constraints;
    const byKey = [...claims].sort(([x], [y]) => (x < y ? -1 : 1));
    return textOf([[...conflicts.values()].sort((x, y) => (x.id < y.id ? -1 : 1)), byKey]);
  });
  if (one !== other)
    throw new Violation('I3', `${a.name} and ${b.name} differ about constraints:\n  ${one}\n  ${other}`);
}

function textOf(conflicts: unknown): string {
  return canonicalJson(conflicts as Json);
}

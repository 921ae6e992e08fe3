/**
 * Keeps claims, components and conflicts in step with records that changed, by looking at nothing but what they touch:
 * the claims beside the new ones, and the components that the records were in before.
 *
 * A component is known by its rows. So whatever leaves, joins, splits or merges is covered: every component that a changed
 * record was in is taken apart, and what its rows are in now is put together again from the index.
 */
import type { ClaimedBy, OpenConstraintConflict } from '../core/constraint.ts';
import type { RecordState } from '../core/record.ts';
import type { Row } from '../core/view.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import {
  askClaims,
  askComponents,
  memberKey,
  NO_WRITES,
  type Component,
  type IndexWrites,
  type Lookup,
} from './ask.ts';
import { compareClaims, constraintName, presenceName, WAIVERS, type Claim } from './claim.ts';
import type { CompiledConstraint, Constraints } from './registry.ts';
import { wholeBucket } from './unique.ts';
import { waivedBy } from './waiver.ts';

export interface ChangedRecord {
  readonly collection: string;
  readonly id: string;
  readonly state: RecordState | undefined;
  /** What the app sees of it. */
  readonly row: Row | null;
}

/** A constraint conflict that opened or closed. */
export interface ConstraintMove {
  readonly type: 'conflict-opened' | 'conflict-closed';
  readonly conflict: string;
  readonly collection: string;
  /** The row that would give way. */
  readonly rowId: string;
}

export function* maintainConstraints(
  constraints: Constraints,
  records: readonly ChangedRecord[],
): Lookup<readonly ConstraintMove[]> {
  const changed = yield* moveClaims(constraints, records);
  if (changed.length === 0) return [];
  const seeds = yield* rowsToCheck(constraints, changed);
  // What claimed nothing before was in no component.
  const isNew = new Set(changed.flatMap((key) => (key.isNew ? [memberKey(key.name, key.id)] : [])));
  const moves: ConstraintMove[] = [];
  for (const constraint of constraints.all) {
    const rows = seeds.get(constraint.name);
    if (rows) moves.push(...(yield* checkRows(constraint, rows, isNew)));
  }
  return moves;
}

interface ClaimKey {
  readonly name: string;
  readonly id: string;
}

interface MovedClaim extends ClaimKey {
  readonly isNew: boolean;
}

/** Writes the claims that are not as they are stored; gives their names. Most writes are of fields that claim nothing. */
function* moveClaims(constraints: Constraints, records: readonly ChangedRecord[]): Lookup<readonly MovedClaim[]> {
  const keys = records.flatMap(({ collection, id }) =>
    constraints.claimNames(collection).map((name): ClaimKey => ({ name, id })),
  );
  if (keys.length === 0) return [];
  const next = new Map(
    records.flatMap(({ collection, id, state, row }) =>
      constraints.claimsOf(collection, id, state, row).map((claim) => [memberKey(claim.name, id), claim] as const),
    ),
  );
  const stored = yield* askClaims(keys.map((key) => ({ of: 'claim', ...key }) as const));
  const changed = keys
    .map((key, i): MovedClaim => ({ ...key, isNew: stored[i]!.length === 0 }))
    .filter(({ name, id }, i) => !isSame(stored[i]![0], next.get(memberKey(name, id))));
  if (changed.length === 0) return [];
  const claims = changed.flatMap(({ name, id }) => next.get(memberKey(name, id)) ?? []);
  const dropped = changed.filter(({ name, id }) => !next.has(memberKey(name, id)));
  yield write({ claims, droppedClaims: dropped.map(({ name, id }) => [name, id] as const) });
  return changed;
}

/** Of one row under one constraint. */
function isSame(a: Claim | undefined, b: Claim | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.bucket === b.bucket &&
    a.from === b.from &&
    a.to === b.to &&
    a.hlc === b.hlc &&
    a.dot === b.dot &&
    isSameList(a.dots, b.dots) &&
    isSameList(a.stamp, b.stamp) &&
    isSameList(a.waives, b.waives)
  );
}

function isSameList(a: readonly unknown[] = [], b: readonly unknown[] = []): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

/** The rows whose components may be others now, by constraint. */
function* rowsToCheck(
  constraints: Constraints,
  changed: readonly ClaimKey[],
): Lookup<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = new Map<string, Set<string>>();
  const add = (name: string, id: string): void => void (rows.get(name) ?? setOf(rows, name)).add(id);
  const own = new Set(constraints.all.map(({ name }) => name));
  for (const { name, id } of changed) if (own.has(name)) add(name, id);
  for (const { name, rules } of constraints.all) {
    if (rules.target === undefined) continue;
    const targets = changed.filter((key) => key.name === presenceName(rules.target!));
    const found = yield* askClaims(targets.map(({ id }) => wholeBucket(name, id)));
    for (const claim of found.flat()) add(name, claim.id);
  }
  const waived = changed.filter(({ name }) => name === WAIVERS);
  const found = yield* askComponents(waived.map(({ id }) => ({ of: 'component', id }) as const));
  for (const component of found.flat())
    for (const id of component.rowIds) add(constraintName(component.collection, component.constraint), id);
  return rows;
}

function setOf(rows: Map<string, Set<string>>, name: string): Set<string> {
  const set = new Set<string>();
  rows.set(name, set);
  return set;
}

function* checkRows(
  constraint: CompiledConstraint,
  rows: ReadonlySet<string>,
  isNew: ReadonlySet<string>,
): Lookup<readonly ConstraintMove[]> {
  const { name, rules } = constraint;
  const before = new Map<string, Component>();
  const remember = (found: readonly (readonly Component[])[]): void => {
    for (const component of found.flat()) before.set(component.id, component);
  };
  const known = [...rows].filter((id) => !isNew.has(memberKey(name, id)));
  remember(yield* askComponents(known.map((id) => ofMember(name, id))));
  const ids = new Set([...rows, ...[...before.values()].flatMap((component) => component.rowIds)]);
  const claims = (yield* askClaims([...ids].map((id) => ({ of: 'claim', name, id }) as const))).flat();
  const found = (yield* rules.components(name, claims)).map((component) => component.toSorted(compareClaims));
  // Rows that were reached may have been in components of their own, which are parts of these now.
  const reached = found.flat().filter(({ id }) => !ids.has(id));
  remember(yield* askComponents(reached.map(({ id }) => ofMember(name, id))));
  const conflicts = found.map((component) => conflictOf(constraint, component));
  const waivers = yield* askClaims(conflicts.map(({ id }) => ({ of: 'claim', name: WAIVERS, id }) as const));
  const after = conflicts.map((conflict, i) => componentOf(constraint, conflict, waivers[i]![0]));
  if (before.size === 0 && after.length === 0) return [];
  const isOpenNow = new Set(after.filter(({ isOpen }) => isOpen).map(({ id }) => id));
  const closed = [...before.values()].filter(({ id, isOpen }) => isOpen && !isOpenNow.has(id));
  const opened = after.filter(({ id, isOpen }) => isOpen && before.get(id)?.isOpen !== true);
  const kept = new Set(after.map(({ id }) => id));
  yield write({
    components: after,
    droppedComponents: [...before.keys()].filter((id) => !kept.has(id)),
    conflicts: conflicts.filter(({ id }) => isOpenNow.has(id)),
    closedConflicts: closed.map(({ id }) => id),
  });
  return [...opened.map(moveOf('conflict-opened')), ...closed.map(moveOf('conflict-closed'))];
}

function ofMember(name: string, id: string): { readonly of: 'components'; readonly member: string } {
  return { of: 'components', member: memberKey(name, id) };
}

function moveOf(type: ConstraintMove['type']): (component: Component) => ConstraintMove {
  return ({ id, collection, rowId }) => ({ type, conflict: id, collection, rowId });
}

/** The conflict of rows that break a constraint together, given the earliest claim first. */
export function conflictOf(
  { collection, plan, rules }: CompiledConstraint,
  component: readonly Claim[],
): OpenConstraintConflict {
  const accepted = new Set(rules.accepted(component));
  const byId = component.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const rowIds = byId.map(({ id }) => id);
  return {
    kind: 'constraint',
    id: hash128(canonicalJson(['constraint', collection, plan.name, rowIds])),
    collection,
    constraint: plan.name,
    hlc: component.at(-1)!.hlc,
    rowIds,
    accepted: component.filter((claim) => accepted.has(claim)).map(({ id }) => id),
    contested: component.filter((claim) => !accepted.has(claim)).map(({ id }) => id),
    claims: byId.map(({ id, dots }): ClaimedBy => [id, dots]),
  };
}

export function isAllowed(conflict: OpenConstraintConflict, waiver: Claim | undefined): boolean {
  return waiver?.waives?.includes(waivedBy(conflict)) ?? false;
}

function componentOf(
  { name }: CompiledConstraint,
  conflict: OpenConstraintConflict,
  waiver: Claim | undefined,
): Component {
  const { id, collection, constraint, rowIds, contested } = conflict;
  return {
    id,
    collection,
    constraint,
    rowIds,
    members: rowIds.map((rowId) => memberKey(name, rowId)),
    rowId: contested[0]!,
    isOpen: !isAllowed(conflict, waiver),
  };
}

function write(writes: Partial<IndexWrites>): { readonly type: 'write'; readonly writes: IndexWrites } {
  return { type: 'write', writes: { ...NO_WRITES, ...writes } };
}

/**
 * What it costs to check one change against a constraint, among few events and among many, beside comparing it with every
 * event: the first must not grow.
 */
import {
  ClaimIndex,
  compileCollection,
  compileConstraints,
  createRecord,
  maintainConstraints,
  NO_WRITES,
  overlaps,
  type Claim,
  type CollectionPlan,
  type Row,
} from '@skerry/sdk/kernel';

const PLAN: CollectionPlan = {
  name: 'events',
  fields: {},
  groups: [['room', 'start', 'end']],
  onDeleteVsEdit: 'ask',
  constraints: [{ kind: 'noOverlap', name: 'rooms', by: 'room', from: 'start', to: 'end' }],
};
const CONSTRAINTS = compileConstraints([PLAN], new Map([[PLAN.name, compileCollection(PLAN)]]));
const ROUNDS = 300;

/** One after the other, in one room; every hundredth lasts a day in another. */
function rowOf(i: number): Row {
  const isLong = i % 100 === 0;
  return { id: `e${i}`, room: isLong ? 'hall' : 'room', start: i * 60, end: i * 60 + (isLong ? 1_440 : 60) };
}

export function benchConstraints(): void {
  const [few, many] = [500, 50_000].map(measure);
  console.log('\nmicroseconds to check one changed event for overlaps, median');
  for (const { events, checked, compared } of [few!, many!])
    console.log(
      `${`among ${events.toLocaleString('en')} events`.padEnd(40)} ${checked.toFixed(1).padStart(8)}   with every event ${compared.toFixed(1).padStart(8)}`,
    );
  console.log(`${'50,000 over 500'.padEnd(40)} ${(many!.checked / few!.checked).toFixed(2).padStart(8)}`);
}

function measure(events: number): { events: number; checked: number; compared: number } {
  const index = new ClaimIndex();
  const rows = Array.from({ length: events }, (_, i) => rowOf(i));
  const claims = rows.flatMap((row) => CONSTRAINTS.claimsOf('events', row['id'] as string, createRecord(), row));
  index.write({ ...NO_WRITES, claims });
  const change = (row: Row): void =>
    void index.run(
      maintainConstraints(CONSTRAINTS, [{ collection: 'events', id: row['id'] as string, state: createRecord(), row }]),
    );
  const checked: number[] = [];
  const compared: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const i = 1 + ((round * 7_919) % (events - 2));
    const row: Row = { ...rowOf(i), room: 'room', start: i * 60 + 30, end: i * 60 + 90 };
    checked.push(timed(() => change(row)));
    const open = [...index.conflicts.values()].flatMap(({ rowIds }) => rowIds).length;
    const [claim] = CONSTRAINTS.claimsOf('events', row['id'] as string, createRecord(), row);
    let found: readonly Claim[] = [];
    compared.push(timed(() => (found = claims.filter((other) => isRival(claim!, other)))));
    if (open !== (found.length === 0 ? 0 : found.length + 1))
      throw new Error(`${open} rows in conflict, ${found.length} overlap the change`);
    change(rowOf(i));
    if (index.conflicts.size > 0) throw new Error('a conflict stayed open');
  }
  return { events, checked: median(checked), compared: median(compared) };
}

function isRival(claim: Claim, other: Claim): boolean {
  return other.id !== claim.id && other.bucket === claim.bucket && overlaps(claim, other);
}

function timed(fn: () => void): number {
  const startedMs = performance.now();
  fn();
  return (performance.now() - startedMs) * 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

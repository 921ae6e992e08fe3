/** What must be true at the quiet end: every replica is the same, and it is what really happened, no more and no less. */
import { canonicalJson, type Constraints, type Json } from '@skerry/sdk/kernel';
import { recordKey, type RecordRow, type TestDevice, type TestServer } from '@skerry/sdk/testing';

import { checkConstraints, checkEqualConstraints } from './constraints.ts';
import { opsOn, Violation, type Truth, type Witnessed } from './truth.ts';

export function checkQuietEnd(
  devices: readonly TestDevice[],
  server: TestServer,
  truth: Truth,
  constraints: Constraints,
): void {
  truth.checkLog();
  for (const device of devices) checkDrained(device, server);
  const [first, ...others] = devices;
  for (const other of others) checkEqual(first!, other);
  for (const other of others) checkEqualConstraints(first!, other);
  for (const device of devices) checkConstraints(device, constraints);
  for (const [record, written] of truth.byRecord()) {
    checkRecord(record, written, first!.store.disk.records.get(record), truth);
    checkSurfaced(record, written, first!, truth);
  }
}

function checkDrained(device: TestDevice, server: TestServer): void {
  const { replica, outbox, records } = device.store.disk;
  if (outbox.size > 0) throw new Violation(`[I8] ${device.name} still has ${outbox.size} rows in its outbox`);
  if (replica.outbox.changes !== 0 || replica.outbox.bytes !== 0)
    throw new Violation(`[I10] ${device.name} counts ${JSON.stringify(replica.outbox)} unsent`);
  const applied = replica.cursor[server.sid] ?? 0;
  if (applied !== server.log.length)
    throw new Violation(`[I8] ${device.name} has applied ${applied} of ${server.log.length}`);
  for (const row of records.values()) {
    if (row.overlay || row.pending.length > 0)
      throw new Violation(`[I8] ${device.name} has an overlay left on ${row.c}/${row.id}`);
  }
}

function checkEqual(a: TestDevice, b: TestDevice): void {
  const parts = { rows: rowsOf, conflicts: conflictsOf, records: recordsOf } as const;
  for (const [what, of] of Object.entries(parts)) {
    const [one, other] = [of(a), of(b)];
    if (one !== other)
      throw new Violation(`[I3] ${what} of ${a.name} and ${b.name} differ:\n${firstDifference(one, other)}`);
  }
}

function rowsOf({ store }: TestDevice): string {
  return [...store.disk.rows]
    .sort(byKey)
    .map(([key, row]) => `${key} ${canonicalJson(row as Json)}`)
    .join('\n');
}

function conflictsOf({ store }: TestDevice): string {
  return [...store.disk.conflicts]
    .sort(byKey)
    .map(([id, conflict]) => `${id} ${canonicalJson(conflict as unknown as Json)}`)
    .join('\n');
}

function recordsOf({ store }: TestDevice): string {
  return [...store.disk.records]
    .sort(byKey)
    .map(([key, row]) => `${key} ${canonicalRecord(row)}`)
    .join('\n');
}

/** Entries are sets: the order in which they are kept says nothing. */
function canonicalRecord(row: RecordRow): string {
  const base = row.base!;
  const sorted = (marks: readonly { readonly dot: string }[]): Json =>
    marks.toSorted((x, y) => (x.dot < y.dot ? -1 : 1)) as unknown as Json;
  const cells = [...base.cells].sort(byKey).map(([path, entries]) => [path, sorted(entries)] as const);
  return canonicalJson([
    sorted(base.rv),
    sorted(base.life),
    cells as unknown as Json,
    [...base.counters].sort(byKey) as unknown as Json,
  ]);
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function firstDifference(a: string, b: string): string {
  const [linesA, linesB] = [a.split('\n'), b.split('\n')];
  const at = linesA.findIndex((line, i) => line !== linesB[i]);
  return `  ${linesA[at] ?? '(nothing)'}\n  ${linesB[Math.max(at, 0)] ?? '(nothing)'}`;
}

/** [I1] [I6] [I7]: live entries are exactly the writes that no later write replaced; counters are the sum of all. */
function checkRecord(record: string, written: readonly Witnessed[], row: RecordRow | undefined, truth: Truth): void {
  const base = row?.base;
  if (!base) throw new Violation(`[I1] the record ${record} is nowhere`);
  expectDots(`${record} frontier`, base.rv, truth.maximal(record, written));
  const lives = written.filter((one) => opsOn(one, record).some((op) => op.t === 'life'));
  expectDots(`${record} life`, base.life, truth.maximal(record, lives));
  const paths = new Set(
    written.flatMap((one) => opsOn(one, record).flatMap((op) => (op.t === 'life' || op.t === 'inc' ? [] : [op.p]))),
  );
  for (const path of paths) {
    const touching = written.filter((one) =>
      opsOn(one, record).some((op) => op.t !== 'life' && op.t !== 'inc' && op.p === path),
    );
    const putting = touching.filter((one) =>
      opsOn(one, record).some((op) => (op.t === 'set' || op.t === 'add') && op.p === path),
    );
    expectDots(`${record} ${path}`, base.cells.get(path) ?? [], truth.maximal(record, putting, touching));
  }
  const sums = new Map<string, number>();
  for (const op of written.flatMap((one) => opsOn(one, record)))
    if (op.t === 'inc') sums.set(op.p, (sums.get(op.p) ?? 0) + op.n);
  for (const [path, sum] of sums) {
    if ((base.counters.get(path) ?? 0) !== sum)
      throw new Violation(`[I6] ${record} ${path} is ${base.counters.get(path)}, the sum is ${sum}`);
  }
}

/** [I7] What nobody could merge is listed as an open conflict, and nothing else is. */
function checkSurfaced(record: string, written: readonly Witnessed[], device: TestDevice, truth: Truth): void {
  const open = [...device.store.disk.conflicts.values()].filter(
    (conflict) => recordKey(conflict.collection, conflict.rowId) === record,
  );
  const isDelete = (one: Witnessed): boolean => opsOn(one, record).some((op) => op.t === 'life' && op.v === 'dead');
  const lives = written.filter((one) => opsOn(one, record).some((op) => op.t === 'life'));
  const lastLives = truth.maximal(record, lives);
  const deletes = written.filter((one) => lastLives.includes(one.dot) && isDelete(one)).map((one) => one.dot);
  const unseen = truth.maximal(record, written).filter((dot) => !deletes.includes(dot));
  const isContested = deletes.length > 0 && (deletes.length < lastLives.length || unseen.length > 0);
  expectSame(
    `${record} delete against edit`,
    open.some((conflict) => conflict.kind === 'delete'),
    isContested,
  );
  if (deletes.length > 0 && !isContested) return expectSame(`${record} is deleted, conflicts`, open.length, 0);
  for (const path of ['title', 'room+start']) {
    const putting = written.filter((one) => opsOn(one, record).some((op) => op.t === 'set' && op.p === path));
    const live = new Set(truth.maximal(record, putting));
    const values = new Set(
      putting
        .filter((one) => live.has(one.dot))
        .flatMap((one) =>
          opsOn(one, record).flatMap((op) => (op.t === 'set' && op.p === path ? [canonicalJson(op.v ?? null)] : [])),
        ),
    );
    const conflict = open.find((candidate) => candidate.kind === 'field' && candidate.path === path);
    expectSame(
      `${record} ${path} versions`,
      conflict?.kind === 'field' ? conflict.versions.length : 1,
      Math.max(1, values.size),
    );
  }
}

function expectSame(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Violation(`[I7] ${what}: ${String(found)}, should be ${String(wanted)}`);
}

function expectDots(what: string, entries: readonly { readonly dot: string }[], expected: readonly string[]): void {
  const found = entries
    .map((entry) => entry.dot)
    .sort()
    .join(' ');
  const wanted = expected.toSorted().join(' ');
  if (found !== wanted) throw new Violation(`[I7] ${what}: live are [${found}], should be [${wanted}]`);
}

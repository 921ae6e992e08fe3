/** What must be true at the quiet end: every replica is the same, and it is what really happened, no more and no less. */
import {
  canonicalJson,
  contentOfRecord,
  digestOfRecord,
  digestText,
  EMPTY_DIGEST,
  exchange,
  lifeStatus,
  type Dot,
  type Json,
  type Op,
  type RecordState,
} from '@skerry/sdk/kernel';
import { recordKey } from '@skerry/sdk/testing';

import { checkConstraints, checkEqualConstraints } from './constraints.ts';
import { checkHot, expectedLife, isDead, show } from './closed-form.ts';
import { checkDevice, checkServer } from './session-check.ts';
import type { SimDevice } from './sim-device.ts';
import type { Written } from './truth.ts';
import { Violation } from './violation.ts';
import { checkShown } from './transactions.ts';
import type { World } from './world.ts';

export function checkQuietEnd(world: World): void {
  const { truth, devices } = world;
  const servers = world.servers.filter((server) => !server.isLost);
  const [server] = servers;
  checkNothingLost(world);
  checkTakenBack(world);
  countDecisions(world);
  countConstraints(world);
  for (const device of devices) {
    checkDrained(device);
    checkDevice(device, truth);
    for (const { c, id } of device.disk.records.values()) if (device.schemas.has(c)) checkShown(device, c, id);
    checkConstraints(device.test, device.constraints);
  }
  for (const one of servers) checkServer(one, truth);
  const wanted = contentsOf(server!.test.space.records);
  for (const { name, test } of servers.slice(1)) checkSame(name, contentsOf(test.space.records), wanted);
  for (const { name, disk } of devices) {
    const bases = [...disk.records].flatMap(([key, { base }]) => (base ? [[key, base] as const] : []));
    checkSame(name, contentsOf(new Map(bases)), wanted);
  }
  for (const { name, test } of servers) checkDigest(name, digestText(test.space.meta.digest), test.space.records);
  for (const app of [0, 1]) checkSameViews(devices.filter((device) => device.app === app));
  const written = truth.byRecord(server!.knowledge);
  for (const [record, by] of written) {
    // Under which stamp a lost server had a change counts no more.
    if (!truth.mayDiffer)
      for (const { name, test } of servers) checkHot(name, record, by, test.space.records.get(record));
    for (const device of devices) {
      if (!truth.mayDiffer) checkHot(device.name, record, by, device.disk.records.get(record)?.base);
      checkSurfaced(record, by, device, world);
    }
  }
}

function countDecisions({ truth, counters, servers }: World): void {
  const { knowledge } = servers.find((server) => !server.isLost)!;
  for (const written of truth.byRecord(knowledge).values()) {
    const decisions = written.filter(({ by }) => by.change.kind === 'resolve');
    const others = (one: Written): readonly Written[] => written.filter((other) => other !== one);
    const isMet = (one: Written): boolean =>
      others(one).some(({ by }) => !truth.happenedBefore(by, one.by) && !truth.happenedBefore(one.by, by));
    counters.count('resolution concurrent with an edit', decisions.filter(isMet).length);
  }
}

function countConstraints({ devices, counters }: World): void {
  for (const { constraint, rowIds } of devices[0]!.disk.constraints.conflicts.values()) {
    counters.count(`constraint: ${constraint} open at the end`);
    if (rowIds.length > 2) counters.count('constraint: three rows or more open at the end');
  }
}

/** [I1] Every write is in every log, unless all that had it are gone. */
function checkNothingLost({ truth, servers, counters }: World): void {
  for (const { name, knowledge, isLost } of servers) {
    if (isLost) continue;
    for (const { index, dot, device } of truth.changes.values()) {
      if (knowledge.applied.has(index)) continue;
      if (!truth.excused.has(index))
        throw new Violation('I1', `the write ${dot} of ${device} is lost: ${name} has not got it`);
      counters.count('lost with its disk');
    }
  }
}

/** [I1] What of a change no server took is kept beside the rows, or stands in a recovered copy. */
function checkTakenBack({ truth, devices, counters }: World): void {
  const rejected = devices.flatMap(({ disk }) => [...disk.rejected.values()]);
  for (const { parts, error } of rejected)
    for (const { dot } of parts)
      if (
        error.code !== 'EQUIVOCATION' &&
        truth.logged(dot)?.was === undefined &&
        !truth.excused.has(truth.of(dot).index)
      )
        throw new Violation('I1', `${dot} is kept as rejected, and stands in the log`);
  const parts = [...rejected.flatMap((row) => row.parts), ...truth.settled];
  const kept = new Map<Dot, Set<string>>();
  for (const { dot, rec } of parts) kept.set(dot, (kept.get(dot) ?? new Set()).add(recordKey(rec.c, rec.id)));
  const mayBeGone = counters.all.has('profile put back') || counters.all.has('tail lost');
  for (const { dot, device, change } of truth.changes.values()) {
    const logged = truth.logged(dot);
    if (!logged || logged.was === undefined) continue;
    const here = new Set([...logged.recs.map((rec) => recordKey(rec.c, rec.id)), ...(kept.get(dot) ?? [])]);
    const copies = [...here].filter((record) => record.includes('\u0000~')).length;
    const elsewhere = change.recs.filter((rec) => !here.has(recordKey(rec.c, rec.id)) && !isSilent(rec.ops));
    counters.count('moved to a recovered copy', logged.recs.filter((rec) => rec.id.startsWith('~')).length);
    counters.count('kept as rejected', kept.get(dot)?.size ?? 0);
    if (elsewhere.length > copies && !mayBeGone)
      throw new Violation(
        'I1',
        `${device} was refused ${dot}, and what it wrote to ${elsewhere[0]!.id} is kept nowhere`,
      );
  }
}

/** Of a record that is forgotten these say nothing new. */
function isSilent(ops: readonly Op[]): boolean {
  return ops.every((op) => op.t === 'lww') || ops.some((op) => op.t === 'life' && op.v === 'dead');
}

/** [I8] [I10] */
function checkDrained({ name, disk }: SimDevice): void {
  const { replica, records } = disk;
  if (replica.outbox.changes !== 0 || replica.outbox.bytes !== 0)
    throw new Violation('I10', `${name} counts ${JSON.stringify(replica.outbox)} unsent`);
  for (const row of records.values())
    if (row.overlay || row.pending.length > 0)
      throw new Violation('I8', `${name} has an overlay left on ${row.c}/${row.id}`);
}

/** Records that are there, as replicas compare them: which deleted ones are remembered is each one's own affair. */
function contentsOf(records: ReadonlyMap<string, RecordState>): string {
  return [...records]
    .filter(([, record]) => lifeStatus(record) !== 'dead')
    .sort(byKey)
    .map(([key, record]) => `${show(key)} ${contentOfRecord(record)} ${claimNumbers(record)}`)
    .join('\n');
}

/** Under which numbers claims came: all of them on every replica. */
function claimNumbers({ cells }: RecordState): string {
  const numbers = [...cells.values()]
    .flat()
    .flatMap(({ dot, stamps }) => (stamps ? [`${dot}@${stamps.map((stamp) => stamp.join('.')).join('+')}`] : []));
  return [...new Set(numbers)].sort().join(' ');
}

function checkSame(name: string, found: string, wanted: string): void {
  if (found !== wanted) throw new Violation('I3', `the records of ${name} differ:\n${firstDifference(found, wanted)}`);
}

/** [I3] Equal digests if and only if the records are equal: each is what its records come to. */
function checkDigest(name: string, digest: string, records: ReadonlyMap<string, RecordState>): void {
  let sum = EMPTY_DIGEST;
  for (const [key, record] of records) {
    const [c, id] = key.split('\u0000') as [string, string];
    sum = exchange(sum, EMPTY_DIGEST, digestOfRecord(c, id, record));
  }
  if (digestText(sum) !== digest)
    throw new Violation('I3', `${name} keeps the digest ${digest}, its records have ${digestText(sum)}`);
}

/** [I3] What people see is the same on all devices with the same version of the app. */
function checkSameViews([first, ...others]: readonly SimDevice[]): void {
  for (const other of others) {
    checkEqualConstraints(first!.test, other.test);
    for (const view of [rowsOf, conflictsOf]) {
      const [one, two] = [view(first!), view(other)];
      if (one !== two)
        throw new Violation(
          'I3',
          `${first!.name} and ${other.name} show different things:\n${firstDifference(one, two)}`,
        );
    }
  }
}

function rowsOf({ disk }: SimDevice): string {
  return [...disk.rows]
    .sort(byKey)
    .map(([key, row]) => `${show(key)} ${canonicalJson(row as Json)}`)
    .join('\n');
}

function conflictsOf({ disk }: SimDevice): string {
  return [...disk.conflicts]
    .sort(byKey)
    .map(([id, conflict]) => `${id} ${canonicalJson(conflict as unknown as Json)}`)
    .join('\n');
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function firstDifference(a: string, b: string): string {
  const [linesA, linesB] = [a.split('\n'), b.split('\n')];
  const at = Math.max(
    0,
    linesA.length >= linesB.length
      ? linesA.findIndex((line, i) => line !== linesB[i])
      : linesB.findIndex((line, i) => line !== linesA[i]),
  );
  return `  ${linesA[at] ?? '(nothing)'}\n  ${linesB[at] ?? '(nothing)'}`;
}

/** [I7] What nobody could merge is listed as an open conflict, and nothing else is. */
function checkSurfaced(
  record: string,
  written: readonly Written[],
  device: SimDevice,
  { truth, counters }: World,
): void {
  const open = [...device.disk.conflicts.values()].filter((one) => recordKey(one.collection, one.rowId) === record);
  const life = expectedLife(written, truth);
  const expectKind = (kind: string, wanted: boolean): void =>
    expectSame(
      `${device.name}: ${show(record)} ${kind}`,
      open.some((one) => one.kind === kind),
      wanted,
    );
  if (isDead(life)) return expectSame(`${show(record)} is deleted, conflicts`, open.length, 0);
  const isCopy = life.zombies.length > 0 && life.lives.length === 0;
  expectKind('recovered', isCopy);
  if (isCopy) return;
  expectKind('delete', life.deletes.length > 0);
  for (const path of ['title', 'room+start']) {
    const putting = written.filter(({ ops }) => ops.some((op) => op.t === 'set' && op.p === path));
    const live = new Set(truth.maximal(putting));
    const values = new Set(
      putting
        .filter(({ by }) => live.has(by.dot))
        .flatMap(({ ops }) =>
          ops.flatMap((op) => (op.t === 'set' && op.p === path ? [canonicalJson(op.v ?? null)] : [])),
        ),
    );
    const conflict = open.find((candidate) => candidate.kind === 'field' && candidate.path === path);
    const versions = conflict?.kind === 'field' ? conflict.versions.length : 1;
    if (versions > 2) counters.count('open at the end: three versions or more');
    expectSame(`${device.name}: ${show(record)} ${path} versions`, versions, Math.max(1, values.size));
  }
  for (const { kind } of open) counters.count(`open at the end: ${kind}`);
}

function expectSame(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Violation('I7', `${what}: ${String(found)}, should be ${String(wanted)}`);
}

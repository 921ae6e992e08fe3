/** What holds on every device after every step: nothing that was seen goes away, and transactions are seen whole. */
import { dotOf, type Row } from '@skerry/sdk/kernel';
import { recordKey } from '@skerry/sdk/testing';

import { checkState, show } from './closed-form.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimServer } from './sim-server.ts';
import { MARKS, markPath, type Truth } from './truth.ts';
import { Violation } from './violation.ts';

const NONE: ReadonlySet<string> = new Set();
const ALL = { changes: 1_000_000, bytes: Infinity };

export function checkSession(device: SimDevice, truth: Truth): void {
  if (device.disk.replica === device.checked) return;
  device.checked = device.disk.replica;
  checkNothingDisappears(device, truth);
  checkTransactionsWhole(device, truth);
}

/** [I4] What a person has seen stays, through failover, snapshots and lost servers. */
function checkNothingDisappears(device: SimDevice, truth: Truth): void {
  const visible = device.visible();
  const lost = device.seen.firstNotIn(visible.union(truth.excused));
  if (lost !== null) throw new Violation('I4', `${device.name} no longer shows ${truth.at(lost).dot}`);
  device.seen = visible;
}

/** [I5] A transaction is in all of its records or in none. */
function checkTransactionsWhole(device: SimDevice, truth: Truth): void {
  const rows = new Map([...device.disk.rows].map(([key, row]) => [key, new Set(marksOf(row))]));
  const shown = new Set([...rows.values()].flatMap((marks) => [...marks]));
  for (const mark of shown) {
    const transaction = truth.marks.get(mark);
    if (!transaction || isTakenBack(device, transaction.by.dot, truth)) continue;
    for (const record of transaction.records) {
      const marks = rows.get(record);
      if (
        !marks ||
        marks.has(mark) ||
        device.disk.records.get(record)?.grave ||
        isUnmarked(device, record, mark, truth)
      )
        continue;
      throw new Violation('I5', `${device.name} shows ${transaction.by.dot} without its part on ${show(record)}`);
    }
  }
}

/** Whether a part of it was refused, and stands elsewhere now: in the rejected list, or in a recovered copy. */
function isTakenBack(device: SimDevice, dot: string, truth: Truth): boolean {
  const rows = [...device.disk.outbox.values()];
  const first = rows.find((row) => row.dot === dot);
  const recs = first
    ? rows.filter((row) => row.order === first.order).flatMap((row) => row.recs)
    : truth.logged(dot)?.recs;
  const there = new Set(recs?.map(({ c, id }) => recordKey(c, id)));
  return !truth.of(dot).change.recs.every(({ c, id }) => there.has(recordKey(c, id)));
}

/** Whether somebody who saw the mark on this record has taken it away: a row was made again after a delete. */
function isUnmarked(device: SimDevice, record: string, mark: string, truth: Truth): boolean {
  const visible = device.visible();
  return truth.removalsOf(record, markPath(mark)).some((index) => visible.has(index));
}

function marksOf(row: Row): readonly string[] {
  return (row[MARKS] as readonly string[] | undefined) ?? [];
}

/** [I1] What a device was told to be saved is on a server's disk. */
export function checkSaved({ name, test }: SimDevice, servers: readonly SimServer[], truth: Truth): void {
  for (const [inc, seq] of Object.entries(test.session?.acceptedThrough ?? {})) {
    const witnessed = truth.changes.get(dotOf(inc, seq));
    if (!witnessed || servers.some(({ knowledge }) => knowledge.applied.has(witnessed.index))) continue;
    throw new Violation('I1', `${name} was told that ${witnessed.dot} is saved, and no server has it`);
  }
}

/** [I6] [I7] A device's whole state is what follows from the changes that it has been told; not of `unsettled` records. */
export function checkDevice(device: SimDevice, truth: Truth, unsettled: ReadonlySet<string> = NONE): void {
  if (device.corrupted !== null) return;
  const items = device.test.store.readOutbox(null, ALL);
  const own = new Map(items.map(({ change }) => [change.dot, change]));
  const confirmed = truth.byRecord(device.knowledge);
  const visible = truth.byRecord({ applied: device.visible(), voids: device.knowledge.voids }, own);
  const { records } = device.disk;
  for (const key of new Set([...records.keys(), ...visible.keys()])) {
    if (unsettled.has(key)) continue;
    const row = records.get(key);
    checkState(`${device.name}'s base of`, key, confirmed.get(key) ?? [], row?.base, truth);
    // Of a record that a snapshot has forgotten, the device shows the last that it knew: a delete is not in it.
    if (row?.grave) continue;
    checkState(`${device.name}'s view of`, key, visible.get(key) ?? [], row?.overlay ?? row?.base, truth);
  }
}

/** [I6] [I7] The same of a server. */
export function checkServer(
  { name, test, knowledge }: SimServer,
  truth: Truth,
  unsettled: ReadonlySet<string> = NONE,
): void {
  const written = truth.byRecord(knowledge);
  for (const key of new Set([...test.space.records.keys(), ...written.keys()]))
    if (!unsettled.has(key)) checkState(name, key, written.get(key) ?? [], test.space.records.get(key), truth);
}

/**
 * What an idle note costs beside its values, measured on the heap: as the objects that changes are applied to, and as the text that
 * it is at rest. The baseline are the values alone, as one JSON text each. And the bytes of a stored row.
 */
import { serialize } from 'node:v8';

import { applyRecordChange, createRecord, type Change, type RecordState } from '@skerry/sdk/kernel';
import { packRecord, unpackRecord } from '../../sdk/src/store/packed-record.ts';

import { expectEqual, median, printLine } from '../measure.ts';
import { BODY, fresh, makeHistory } from './history.ts';

const NOTES = 100_000;

export function benchMemory(): void {
  const { inserts } = makeHistory(NOTES, 0);
  benchNotes('made by one change', inserts, () => 1);
  benchNotes('and edited by another', inserts, () => 2);
}

function benchNotes(name: string, inserts: readonly Change[], marks: () => number): void {
  const states = (): RecordState[] =>
    fresh(inserts).map((insert, i) => idle(insert, marks() === 2 ? inserts[(i + 1) % NOTES]! : null));
  const values = heapOf(() => states().map((state) => JSON.stringify(valuesOf(state))));
  const text = heapOf(() => states().map(packRecord));
  const objects = heapOf(() => states());
  const alone = heapOf(() => fresh(inserts).map((insert) => valuesOf(idle(insert, null))));
  const one = states()[0]!;
  expectEqual('unpacked', unpackRecord(packRecord(one)), one);
  expectEqual('text', valuesOf(one)['body'], BODY);
  const row = { c: 'notes', id: inserts[0]!.recs[0]!.id, pending: [], conflicts: [] };
  const stored = (base: unknown): number =>
    serialize({ ...row, base }).length - serialize({ id: row.id, ...valuesOf(one) }).length;
  printLine(
    `metadata of an idle note, ${name}`,
    `${(text - values).toFixed(0)} bytes at rest (goal 120)`,
    `${(objects - alone).toFixed(0)} as objects`,
    `values ${values.toFixed(0)} as text, ${alone.toFixed(0)} as objects`,
    `stored ${stored(packRecord(one))}, as objects ${stored(one)}`,
  );
}

function idle(insert: Change, later: Change | null): RecordState {
  const state = createRecord();
  const made = insert.recs[0]!;
  applyRecordChange(state, insert, made);
  if (!later) return state;
  const edit = { t: 'set', p: 'title', v: 'All work and no play', pred: [insert.dot] } as const;
  applyRecordChange(state, fresh({ dot: later.dot, hlc: later.hlc }), { ...made, rv: [insert.dot], ops: [edit] });
  return state;
}

function valuesOf({ cells }: RecordState): Record<string, unknown> {
  return Object.fromEntries([...cells].map(([path, [entry]]) => [path, entry!.v]));
}

/** Bytes on the heap of each of what `make` gives; the median of three. */
function heapOf(make: () => readonly unknown[]): number {
  const sizes = Array.from({ length: 3 }, () => {
    const before = usedHeap();
    const kept = make();
    const bytes = (usedHeap() - before) / NOTES;
    expectEqual('kept', kept.length, NOTES);
    return bytes;
  });
  return median(sizes);
}

function usedHeap(): number {
  for (let i = 0; i < 3; i += 1) globalThis.gc!();
  return process.memoryUsage().heapUsed;
}

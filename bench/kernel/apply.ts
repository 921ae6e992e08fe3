/**
 * Applying one-field changes to notes in memory, beside a loop that only overwrites the field of a plain object in a Map: no
 * history, no siblings, the least that any store must do.
 */
import { applyRecordChange, createRecord, dotsOf, type Change, type RecordState } from '@skerry/sdk/kernel';
import { recordKey } from '@skerry/sdk/testing';

import { expectEqual, inTurns, median, printLine } from '../measure.ts';
import { fresh, makeHistory, type History } from './history.ts';

const NOTES = 10_000;
const EDITS = 100_000;

export function benchApply(): void {
  const history = makeHistory(NOTES, EDITS);
  const ways = { applied: [] as number[], overwritten: [] as number[] };
  for (let round = 0; round < 7; round += 1) {
    const edits = fresh(history.edits);
    const records = madeRecords(history);
    const rows = madeRows(history);
    const times = inTurns(1, {
      overwritten: () => overwrite(rows, edits),
      applied: () => apply(records, edits),
    });
    check(history, records);
    expectEqual('rows', rows.size, NOTES);
    ways.applied.push(...times.applied);
    ways.overwritten.push(...times.overwritten);
  }
  const ratio = median(ways.applied) / median(ways.overwritten);
  printLine(
    `apply ${EDITS} one-field changes to ${NOTES} notes`,
    `${perSecond(ways.applied)} changes/s (goal 300,000)`,
    `overwriting in a Map ${perSecond(ways.overwritten)}/s`,
    `ratio ${ratio.toFixed(1)}`,
  );
}

function perSecond(times: readonly number[]): string {
  return Math.round((EDITS / median(times)) * 1000).toLocaleString('en');
}

function apply(records: ReadonlyMap<string, RecordState>, changes: readonly Change[]): void {
  for (const change of changes) {
    for (const rec of change.recs) applyRecordChange(records.get(recordKey(rec.c, rec.id))!, change, rec);
  }
}

function overwrite(rows: Map<string, Record<string, unknown>>, changes: readonly Change[]): void {
  for (const change of changes) {
    for (const rec of change.recs) {
      const row = rows.get(recordKey(rec.c, rec.id))!;
      for (const op of rec.ops) if (op.t === 'set') row[op.p] = op.v;
    }
  }
}

function madeRecords({ inserts }: History): Map<string, RecordState> {
  const changes = fresh(inserts);
  const records = new Map(changes.map(({ recs: [rec] }) => [recordKey(rec!.c, rec!.id), createRecord()]));
  apply(records, changes);
  return records;
}

function madeRows({ inserts }: History): Map<string, Record<string, unknown>> {
  const changes = fresh(inserts);
  const rows = new Map(changes.map(({ recs: [rec] }) => [recordKey(rec!.c, rec!.id), { id: rec!.id }]));
  overwrite(rows, changes);
  return rows;
}

function check({ live }: History, records: ReadonlyMap<string, RecordState>): void {
  for (const [cell, dots] of live) {
    const [id, field] = cell.split(' ') as [string, string];
    const entries = records.get(recordKey('notes', id))!.cells.get(field) ?? [];
    expectEqual(cell, dotsOf(entries).toSorted(), [...dots].toSorted());
  }
}

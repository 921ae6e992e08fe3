/** The history of records in a local write, through Dexie's core below the tracking. */
import { Dexie, type DBCore } from 'dexie';

import { WAIVERS } from '../constraints/claim.ts';
import type { TransactionDraft } from './draft.ts';
import { historyRow, type HistoryRow, type Kept } from './history-row.ts';
import { currentState, HISTORY } from './layout.ts';
import { recordKey } from './record-key.ts';
import { all, type CoreTransaction } from './step-io.ts';
import type { IntendedRecord } from './step.ts';

/** A transaction is one step of each record, however often it writes it: a later write replaces what an earlier one left. */
export function keepHistoryOfStep(
  core: DBCore,
  trans: CoreTransaction,
  {
    draft,
    written,
    history,
  }: {
    readonly draft: TransactionDraft;
    readonly written: readonly IntendedRecord[];
    /** Rows that this transaction wrote, by recordKey(). */
    readonly history: Map<string, number>;
  },
  onHistory: (kept: Kept) => void,
): PromiseLike<unknown> {
  const fresh: HistoryRow[] = [];
  const again: HistoryRow[] = [];
  const gone: number[] = [];
  for (const { schema, id, row } of written) {
    const before = currentState(draft.stored(schema.name, id));
    if (!before || schema.name === WAIVERS) continue;
    const step = historyRow({ c: schema.name, id, before, after: row ? currentState(row) : before }, draft.nowMs);
    const n = history.get(recordKey(schema.name, id));
    if (step && n === undefined) fresh.push(step);
    else if (step) again.push({ ...step, n: n! });
    else if (n !== undefined) gone.push(n);
  }
  const table = core.table(HISTORY);
  const requests: PromiseLike<unknown>[] = [];
  if (fresh.length > 0) {
    const added = table
      .mutate({ type: 'add', trans, values: fresh, wantResults: true })
      .then(({ results, numFailures, failures }) => {
        if (numFailures > 0) throw Object.values(failures)[0]!;
        fresh.forEach(({ c, id }, i) => history.set(recordKey(c, id), results![i] as number));
      });
    requests.push(added);
  }
  if (again.length > 0) requests.push(all(table.mutate({ type: 'put', trans, values: again })));
  if (gone.length > 0) requests.push(all(table.mutate({ type: 'delete', trans, keys: gone })));
  if (requests.length === 0) return Dexie.Promise.resolve();
  onHistory({ rows: fresh.length, bytes: [...fresh, ...again].reduce((sum, { bytes }) => sum + bytes, 0) });
  return Dexie.Promise.all(requests);
}

/**
 * What a bug report needs of a database, as plain data: the outbox and what was refused first, because nobody else has
 * that; then who, conflicts, what was put aside, and the records. It ends where its size does, and says what is missing.
 */
import type { IDBPDatabase } from 'idb';

import { recordToJson } from '../core/record-json.ts';
import type { BackgroundRow } from './background.ts';
import { CONFLICTS, META, OUTBOX, QUARANTINE, RECORDS, REJECTED, WRITERS, type QuarantineRow } from './layout.ts';
import { readableRow, type StoredRecordRow } from './packed-record.ts';
import { createPauses } from './pauses.ts';

/** Of the whole, as JSON text: what mail and trackers still take. */
export const MAX_DUMP_LENGTH = 16_777_216;
/** Rows that are read at once: one of the outbox may have hundreds of records. */
const BATCH = 10;

export interface DumpSection {
  readonly rows: readonly unknown[];
  /** Rows that did not fit. */
  readonly more: number;
}

export type DatabaseDump = Readonly<Record<SectionName, DumpSection>>;
export type SectionName = 'state' | 'outbox' | 'rejected' | 'writers' | 'conflicts' | 'quarantine' | 'records';

/** In the order in which they are given space. */
const SECTIONS: readonly (readonly [SectionName, store: string, show: (row: never) => unknown])[] = [
  ['state', META, showState],
  ['outbox', OUTBOX, (row) => row],
  ['rejected', REJECTED, (row) => row],
  ['writers', WRITERS, (row) => row],
  ['conflicts', CONFLICTS, (row) => row],
  ['quarantine', QUARANTINE, ({ state, ...row }: QuarantineRow) => ({ ...row, state: recordToJson(state) })],
  ['records', RECORDS, showRecord],
];

/** What the service worker is left is named elsewhere in a report, but the address, in which an app may have put a secret. */
function showState(row: { readonly key: string }): unknown {
  if (row.key !== 'background') return row;
  const { url: _url, collections: _collections, ...rest } = row as BackgroundRow;
  return rest;
}

/** `shorten` is what is measured and kept of each row. */
export async function dumpDatabase(
  db: IDBPDatabase,
  shorten: (row: unknown) => unknown,
  maxLength = MAX_DUMP_LENGTH,
): Promise<DatabaseDump> {
  const pauses = createPauses();
  const dump: Partial<Record<SectionName, DumpSection>> = {};
  let left = maxLength;
  for (const [name, store, show] of SECTIONS) {
    const rows: unknown[] = [];
    const total = await db.count(store);
    let after: IDBKeyRange | undefined;
    let isFull = false;
    while (!isFull) {
      const tx = db.transaction(store);
      const [keys, values] = await Promise.all([tx.store.getAllKeys(after, BATCH), tx.store.getAll(after, BATCH)]);
      for (const value of values) {
        const row = shorten(show(value as never));
        const { length } = JSON.stringify(row);
        isFull = length > left;
        if (isFull) break;
        left -= length;
        rows.push(row);
        await pauses.breathe();
      }
      const last = keys.at(-1);
      if (last === undefined || keys.length < BATCH) break;
      after = IDBKeyRange.lowerBound(last, true);
    }
    dump[name] = { rows, more: Math.max(0, total - rows.length) };
  }
  return dump as DatabaseDump;
}

function showRecord(stored: StoredRecordRow): unknown {
  const { base, grave, overlay, ...row } = readableRow(stored);
  return {
    ...row,
    ...(base ? { base: recordToJson(base) } : {}),
    ...(grave ? { grave: recordToJson(grave) } : {}),
    ...(overlay ? { overlay: recordToJson(overlay) } : {}),
    ...(stored.base !== undefined && !base ? { unreadable: String(stored.base) } : {}),
  };
}

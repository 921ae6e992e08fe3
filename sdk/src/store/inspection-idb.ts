/** One slice of looking over a database: a transaction that only reads, and a short one at the end. */
import type { IDBPDatabase } from 'idb';

import type { Inspection, InspectionResult } from './device-store.ts';
import {
  beginInspection,
  endInspection,
  hasMoved,
  inspect,
  INSPECT_EVERY_MS,
  INSPECT_RECORDS,
  nextInMs,
} from './inspection.ts';
import { META, RECORDS, type ReplicaRow, type SpaceRow } from './layout.ts';
import { readableRow, type StoredRecordRow } from './packed-record.ts';
import { readSpace } from './space-row.ts';

export async function inspectSlice(
  db: IDBPDatabase,
  inspection: Inspection | null,
  nowMs: number,
): Promise<InspectionResult> {
  const tx = db.transaction([META, RECORDS], 'readonly');
  const { space, replica } = await placeIn(tx.objectStore(META));
  const going = inspection ?? beginInspection(space, replica.cursor, nowMs);
  if (!going) return { type: 'done', isDiverged: space.isDiverged, nextInMs: nextInMs(space, nowMs) };
  if (hasMoved(space, replica.cursor, going)) return { type: 'moved' };
  const range = going.after ? IDBKeyRange.lowerBound([...going.after], true) : undefined;
  const rows = (await tx.objectStore(RECORDS).getAll(range, INSPECT_RECORDS)) as StoredRecordRow[];
  const read = inspect(going, rows.map(readableRow));
  return rows.length === INSPECT_RECORDS ? { type: 'going-on', inspection: read } : end(db, read, nowMs);
}

async function end(db: IDBPDatabase, inspection: Inspection, nowMs: number): Promise<InspectionResult> {
  const tx = db.transaction(META, 'readwrite', { durability: 'relaxed' });
  const { space, replica } = await placeIn(tx.store);
  if (hasMoved(space, replica.cursor, inspection)) return { type: 'moved' };
  const ended = endInspection(space, inspection, nowMs);
  await tx.store.put(ended);
  await tx.done;
  return { type: 'done', isDiverged: ended.isDiverged, nextInMs: INSPECT_EVERY_MS };
}

async function placeIn(meta: {
  get(key: string): Promise<unknown>;
}): Promise<{ readonly space: SpaceRow; readonly replica: ReplicaRow }> {
  return { space: await readSpace(meta), replica: (await meta.get('replica')) as ReplicaRow };
}

/** Brings back a version that somebody else decided against, as an ordinary write on top of what is there now. */
import type { Commit } from '@skerry/sdk';

import type { CalendarEvent, DemoDb, Note } from '../data/schema.ts';
import { hunksOf, withVersion } from './hunks.ts';
import type { Lost } from './not-kept.ts';

/** Of a row that is gone also everything else that it had. */
export async function restoreLost(db: DemoDb, lost: Lost): Promise<Commit<void>> {
  const { collection, rowId } = lost.conflict;
  const values = valuesOf(lost);
  return db.transaction(async (tx) => {
    if (collection === 'events') {
      const last = (await tx.events.get(rowId)) ? undefined : lastShown(await tx.events.history(rowId));
      if (last) await tx.events.restore(rowId, last.id);
      await tx.events.update(rowId, values as Partial<CalendarEvent>);
    } else {
      const last = (await tx.notes.get(rowId)) ? undefined : lastShown(await tx.notes.history(rowId));
      if (last) await tx.notes.restore(rowId, last.id);
      await tx.notes.update(rowId, { ...(values as Partial<Note>), editedAt: Date.now() });
    }
  });
}

/** The fields that were in conflict as this version had them; of a text its words where the versions clashed. */
function valuesOf({ conflict, index, version }: Lost): object {
  if (conflict.kind === 'delete') return {};
  return hunksOf(conflict) ? withVersion(conflict, index) : (version.value as object);
}

function lastShown<R extends { readonly row: unknown; readonly state: string }>(
  revisions: readonly R[],
): R | undefined {
  return revisions.find(({ row, state }) => row !== null && state !== 'withdrawn');
}

/** Changes that the server has not confirmed, as people read them. */
import { msOf } from '../core/clock.ts';
import type { LocalDatabase, OutboxSummary } from '../store/local-database.ts';
import type { OutboxEntry } from './types.ts';

/** Oldest first. Entries that were in `before` are the same objects. */
export async function readOutbox(
  local: LocalDatabase,
  before: readonly OutboxEntry[],
): Promise<readonly OutboxEntry[]> {
  const known = new Map(before.map((entry) => [entry.id, entry]));
  const summaries = await local.readOutbox();
  return summaries.map((summary) => {
    const entry = known.get(summary.dot);
    return entry && isSame(entry, summary) ? entry : entryOf(summary);
  });
}

/** A change under a dot is final but for its clock, which a server may have corrected. */
function isSame(entry: OutboxEntry, { hlc, bytes }: OutboxSummary): boolean {
  return entry.at.getTime() === msOf(hlc) && entry.bytes === bytes;
}

function entryOf({ dot, hlc, label, bytes, rows, relayed }: OutboxSummary): OutboxEntry {
  return { id: dot, at: new Date(msOf(hlc)), label, bytes, rows, ...(relayed ? { relayed } : {}) };
}

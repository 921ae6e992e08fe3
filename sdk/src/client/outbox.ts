/** Changes that the server has not confirmed, as people read them. */
import { Dexie, RangeSet, rangesOverlap, type ObservabilitySet } from 'dexie';

import { msOf } from '../core/clock.ts';
import { OUTBOX } from '../store/layout.ts';
import type { LocalDatabase, OutboxSummary } from '../store/local-database.ts';
import type { KnownOutbox } from '../store/read-outbox.ts';
import type { OutboxEntry } from './types.ts';

/**
 * Reads the outbox again and again, and only what is new of it while writes add to its end: one that is long, because the
 * device has no server, does not slow every write down.
 */
export interface OutboxReader {
  /** Something was written, here or elsewhere: unless it follows what is known, all of it is read again. */
  note(parts: ObservabilitySet): void;
  /** The database is another one. */
  noteReset(): void;
  /** Oldest first. Entries that were there before are the same objects. One call at a time. */
  read(): Promise<readonly OutboxEntry[]>;
}

export function createOutboxReader(local: LocalDatabase): OutboxReader {
  const prefix = `idb://${local.dexie.name}/${OUTBOX}/`;
  let entries: readonly OutboxEntry[] = [];
  let known: KnownOutbox | null = null;
  let isStale = true;

  return {
    note(parts) {
      if (!known || 'all' in parts) isStale = true;
      if (isStale) return;
      const before = new RangeSet(Dexie.minKey, known!.end);
      isStale = [prefix, `${prefix}:dels`].some((name) => {
        const range = parts[name];
        return range !== undefined && rangesOverlap(range, before);
      });
    },
    noteReset: () => void (isStale = true),
    async read() {
      const base = isStale ? null : known;
      isStale = false;
      try {
        const { isWhole, summaries, end } = await local.readOutbox(base);
        entries = isWhole ? renewed(entries, summaries) : [...entries, ...summaries.map(entryOf)];
        known = end && {
          end,
          dots: entries.map(({ id }) => id),
          bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
        };
        return entries;
      } catch (error) {
        isStale = true;
        throw error;
      }
    },
  };
}

function renewed(before: readonly OutboxEntry[], summaries: readonly OutboxSummary[]): readonly OutboxEntry[] {
  const old = new Map(before.map((entry) => [entry.id, entry]));
  return summaries.map((summary) => {
    const entry = old.get(summary.dot);
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

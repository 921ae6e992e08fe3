/** Changes that the server has not confirmed, as people read them. */
import { Dexie, RangeSet, rangesOverlap, type ObservabilitySet } from 'dexie';

import { msOf } from '../core/clock.ts';
import { OUTBOX, type OutboxKey, type OutboxRow } from '../store/layout.ts';
import type { LocalDatabase, LocalWrite, OutboxSummary } from '../store/local-database.ts';
import { ordersOf, summariesOf, type OutboxReading } from '../store/read-outbox.ts';
import { isSameList } from './conflicts.ts';
import type { OutboxEntry } from './types.ts';

/**
 * Follows the outbox. One that is long, because the device has no server, slows nothing down: what this tab writes is known
 * without being read, of what others add only that is read, and of what was confirmed only the places.
 */
export interface OutboxReader {
  /** Oldest first, as far as it was read, with all that this tab has written since. Entries that were there before are the same objects. */
  readonly entries: readonly OutboxEntry[];
  /** There may be more, or less, than the entries. */
  readonly isBehind: boolean;
  noteWritten(write: Pick<LocalWrite, 'outboxRows' | 'outbox'>): void;
  /** Something was written that this tab did not: unless it follows what is known, what is left of that is looked up. */
  note(parts: ObservabilitySet): void;
  /** The database is another one. */
  noteReset(): void;
  /** What was read of it before anybody asked for all. */
  begin(first: OutboxReading): void;
  /** All of it, as it is now. One call at a time. */
  read(): Promise<readonly OutboxEntry[]>;
}

interface Known {
  readonly entries: readonly OutboxEntry[];
  /** The places of the entries. */
  readonly orders: readonly number[];
  /** The last place that is known. */
  readonly end: OutboxKey | null;
  readonly bytes: number;
}

const NOTHING: Known = { entries: [], orders: [], end: null, bytes: 0 };

/** Up to here all of it is read when something happened to it: exact, and as quick as asking what is left. */
const SHORT_CHANGES = 200;
const SHORT_BYTES = 262_144;
/** So much of what this tab writes is kept to be looked at; more of it is read when its turn comes. */
const WRITTEN_BYTES = 1_048_576;

export function createOutboxReader(local: Pick<LocalDatabase, 'dexie' | 'readOutbox'>): OutboxReader {
  const prefix = `idb://${local.dexie.name}/${OUTBOX}/`;
  let known = NOTHING;
  /** Of this tab and not among the known yet: a burst is taken in at once. */
  let written: OutboxRow[] = [];
  let isWhole = false;
  let isInDoubt = false;
  /** Since the read began that is under way. */
  let isNoted = false;

  const takeIn = (): void => {
    if (written.length === 0) return;
    known = withWritten(known, written);
    written = [];
  };

  const read = async (): Promise<void> => {
    takeIn();
    let isAnew = !known.end || (isInDoubt && isShort(known));
    let next = isAnew ? NOTHING : known;
    let isAsked = isInDoubt && !isAnew;
    isInDoubt = false;
    isNoted = false;
    // What this tab writes meanwhile may be read, or not.
    isWhole = false;
    const startAnew = (): void => {
      isAnew = true;
      next = NOTHING;
      isAsked = false;
    };
    for (;;) {
      const reading = await local.readOutbox(
        next.end && { ...next, end: next.end, dots: dotsOf(next), isInDoubt: isAsked },
      );
      const kept = reading.left ? whatIsLeft(next, reading.left) : next;
      if (!kept) {
        startAnew();
        continue;
      }
      isAsked = false;
      next = added(kept, reading);
      if (!reading.isEnd) continue;
      if (agrees(next, reading.outbox) || isAnew) break;
      startAnew();
    }
    const entries = isAnew ? asBefore(known.entries, next.entries) : next.entries;
    known = { ...next, entries: isSameList(known.entries, entries) ? known.entries : entries };
    isWhole = !isNoted;
  };

  return {
    get entries() {
      takeIn();
      return known.entries;
    },
    get isBehind() {
      return !isWhole;
    },
    noteWritten({ outboxRows, outbox }) {
      isNoted = true;
      if (!isWhole) return;
      written.push(...outboxRows);
      const bytes = written.reduce((sum, row) => sum + row.bytes, 0);
      const changes = known.entries.length + ordersOf(written).length;
      isWhole = changes === outbox.changes && known.bytes + bytes === outbox.bytes && bytes <= WRITTEN_BYTES;
      // Something is between them and what is known, or they are many.
      if (!isWhole) written = [];
    },
    note(parts) {
      isNoted = true;
      isWhole = false;
      if ('all' in parts || !known.end) isInDoubt = true;
      if (isInDoubt || !known.end) return;
      const before = new RangeSet(Dexie.minKey, known.end);
      isInDoubt = [prefix, `${prefix}:dels`].some((name) => {
        const range = parts[name];
        return range !== undefined && rangesOverlap(range, before);
      });
    },
    noteReset() {
      isNoted = true;
      known = NOTHING;
      written = [];
      isWhole = false;
    },
    begin(first) {
      known = added(NOTHING, first);
      isWhole = first.isEnd && agrees(known, first.outbox) && !isNoted;
    },
    async read() {
      try {
        await read();
        return known.entries;
      } catch (error) {
        isInDoubt = true;
        throw error;
      }
    },
  };
}

function dotsOf({ entries }: Known): readonly string[] {
  return entries.map(({ id }) => id);
}

function isShort({ entries, bytes }: Known): boolean {
  return entries.length <= SHORT_CHANGES && bytes <= SHORT_BYTES;
}

function agrees({ entries, bytes }: Known, outbox: OutboxReading['outbox']): boolean {
  return entries.length === outbox.changes && bytes === outbox.bytes;
}

function added(known: Known, { summaries, orders, end }: Pick<OutboxReading, 'summaries' | 'orders' | 'end'>): Known {
  if (!end) return known;
  return {
    entries: [...known.entries, ...summaries.map(entryOf)],
    orders: [...known.orders, ...orders],
    end,
    bytes: summaries.reduce((sum, one) => sum + one.bytes, known.bytes),
  };
}

/** null: it is another outbox, or its clocks were corrected, which the last of them shows. */
function whatIsLeft(known: Known, { orders, lastHlc }: NonNullable<OutboxReading['left']>): Known | null {
  const isLeft = known.orders.map((order) => orders.has(order));
  const entries = known.entries.filter((_entry, i) => isLeft[i]);
  const last = entries.at(-1);
  if (entries.length !== orders.size || (last && last.at.getTime() !== msOf(lastHlc ?? 0))) return null;
  return {
    entries,
    orders: known.orders.filter((_order, i) => isLeft[i]),
    end: known.end,
    bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

function withWritten(known: Known, rows: readonly OutboxRow[]): Known {
  const last = rows.at(-1)!;
  return added(known, { summaries: summariesOf(rows), orders: ordersOf(rows), end: [last.order, last.part] });
}

/** Those that say the same as before are those from before. */
function asBefore(before: readonly OutboxEntry[], after: readonly OutboxEntry[]): readonly OutboxEntry[] {
  const old = new Map(before.map((entry) => [entry.id, entry]));
  return after.map((entry) => {
    const one = old.get(entry.id);
    return one && isSame(one, entry) ? one : entry;
  });
}

/** A change under a dot is final but for its clock, which a server may have corrected. */
function isSame(a: OutboxEntry, b: OutboxEntry): boolean {
  return a.at.getTime() === b.at.getTime() && a.bytes === b.bytes;
}

function entryOf({ dot, hlc, label, bytes, rows, relayed }: OutboxSummary): OutboxEntry {
  return { id: dot, at: new Date(msOf(hlc)), label, bytes, rows, ...(relayed ? { relayed } : {}) };
}

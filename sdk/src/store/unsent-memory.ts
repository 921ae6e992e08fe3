/**
 * What this tab has written and its outbox still holds, in memory: should the browser clear the database under the
 * running page, it is written again into the new one. Bounded; what does not fit is told as lost when it comes to that.
 */
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import type { OutboxRow } from './layout.ts';
import { pendingChanges, type PendingChange } from './pending-changes.ts';
import type { Writer } from '../core/change.ts';

export const UNSENT_MEMORY = { changes: 1_000, bytes: 4_194_304 } as const;

export interface UnsentMemory {
  readonly changes: readonly PendingChange[];
  /** Unsent changes of this tab that are not in memory. */
  readonly dropped: number;
  /** The outbox had changes, when it was last read, that are not of this tab. */
  readonly hasOthers: boolean;
  writerOf(inc: Inc): Writer | undefined;
  add(rows: readonly OutboxRow[], writer: Writer): void;
  /** Dots that may be forgotten by what a read finds that begins now. */
  known(): ReadonlySet<Dot>;
  /** Of these, whatever the outbox does not have any more is with the server, or taken back. */
  keep(known: ReadonlySet<Dot>, unsent: ReadonlySet<Dot>): void;
}

export function createUnsentMemory(
  limits: { readonly changes: number; readonly bytes: number } = UNSENT_MEMORY,
): UnsentMemory {
  const changes = new Map<Dot, PendingChange & { readonly bytes: number }>();
  const dropped = new Set<Dot>();
  const writers = new Map<Inc, Writer>();
  let bytes = 0;
  let hasOthers = false;
  return {
    get changes() {
      return [...changes.values()];
    },
    get dropped() {
      return dropped.size;
    },
    get hasOthers() {
      return hasOthers;
    },
    writerOf: (inc) => writers.get(inc),
    add(rows, writer) {
      for (const change of pendingChanges(rows)) {
        const size = change.rows.reduce((sum, row) => sum + row.bytes, 0);
        // Once one is missing, those behind it stay out as well: a server takes no change of a writer before the last.
        if (dropped.size > 0 || changes.size >= limits.changes || bytes + size > limits.bytes) {
          dropped.add(change.dot);
          continue;
        }
        changes.set(change.dot, { ...change, bytes: size });
        writers.set(incOf(change.dot), writer);
        bytes += size;
      }
    },
    known: () => new Set([...changes.keys(), ...dropped]),
    keep(known, unsent) {
      hasOthers = [...unsent].some((dot) => !changes.has(dot) && !dropped.has(dot));
      for (const dot of known) {
        if (unsent.has(dot)) continue;
        dropped.delete(dot);
        bytes -= changes.get(dot)?.bytes ?? 0;
        changes.delete(dot);
      }
    },
  };
}

/**
 * Which changes of the outbox this tab has told of itself. Dexie announces each of its transactions when it is committed; what is
 * known by then need not be read from the database.
 */
import { cmp, RangeSet, type ObservabilitySet } from 'dexie';

import { OUTBOX, type OutboxKey, type OutboxRow } from '../store/layout.ts';

export interface OwnWrites {
  /** Before Dexie announces them. */
  note(rows: readonly OutboxRow[]): void;
  /** Whether that is all that was announced of the outbox. True once for each. */
  takes(parts: ObservabilitySet): boolean;
}

/** An announcement that never comes is waited for so long. */
const MAX_WAITING = 64;

export function createOwnWrites(database: string): OwnWrites {
  const prefix = `idb://${database}/${OUTBOX}/`;
  const waiting: { readonly from: OutboxKey; readonly to: OutboxKey }[] = [];
  return {
    note(rows) {
      const [first, last] = [rows[0], rows.at(-1)];
      if (!first || !last) return;
      waiting.push({ from: [first.order, 0], to: [last.order, last.part] });
      if (waiting.length > MAX_WAITING) waiting.shift();
    },
    takes(parts) {
      if ('all' in parts) return false;
      const told = [prefix, `${prefix}:dels`].flatMap((name) => (parts[name] ? rangesOf(parts[name]) : []));
      const at = waiting.findIndex(({ from, to }) =>
        told.every((range) => cmp(range.from, from) >= 0 && cmp(range.to, to) <= 0),
      );
      if (at === -1 || told.length === 0) return false;
      waiting.splice(at, 1);
      return true;
    },
  };
}

function rangesOf(tree: ObservabilitySet[string]): readonly { readonly from: unknown; readonly to: unknown }[] {
  const ranges = new RangeSet();
  ranges.add(tree);
  return [...{ [Symbol.iterator]: () => ranges[Symbol.iterator]() }];
}

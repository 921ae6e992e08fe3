/**
 * The outbox as it is sent: from the front, in pieces of changing size. Rows that were read and did not fit are kept for the
 * next piece, and while that one is on its way more is read. Else every push would wait for a transaction of its own, and that
 * one for the page under way, which is what the push before it has brought back.
 *
 * Rows are only ever added behind the others, so what was read stays as it is until something takes changes back, or a
 * clock is corrected: then `forget`.
 */
import type { OutboxItem, OutboxPosition } from './device-store.ts';
import type { OutboxKey, OutboxRow } from './layout.ts';
import { outboxItems } from './page-plan.ts';

export interface OutboxReader {
  read(after: OutboxPosition | null, max: OutboxLimits): Promise<readonly OutboxItem[]>;
  /** What `read` would give, where that is known already; null where it is not. */
  peek(after: OutboxPosition | null, max: OutboxLimits): readonly OutboxItem[] | null;
  forget(): void;
}

export interface OutboxLimits {
  readonly changes: number;
  readonly bytes: number;
}

/** The next rows behind a place, in order; fewer than `count` only at the end. */
export type ReadRows = (behind: OutboxKey | OutboxPosition | null, count: number) => Promise<readonly OutboxRow[]>;

const CHUNK_ROWS = 256;
/** Twice what a server of default limits takes at once. */
const AHEAD: OutboxLimits = { changes: 1_000, bytes: 2_097_152 };

/** Rows that follow a place without a gap. */
interface Stretch {
  readonly after: OutboxPosition | null;
  readonly rows: readonly OutboxRow[];
  /** Nothing followed when the last of them was read. */
  readonly isEnd: boolean;
}

export function createOutboxReader(readRows: ReadRows): OutboxReader {
  let kept: Stretch | null = null;
  let reading = Promise.resolve();
  /** How often something has made old what was read. */
  let age = 0;

  const grow = async (stretch: Stretch, max: OutboxLimits): Promise<Stretch> => {
    let grown = stretch;
    while (!isEnough(grown, max)) {
      const last = grown.rows.at(-1);
      const rows = await readRows(last ? [last.order, last.part] : grown.after, CHUNK_ROWS);
      grown = { ...grown, rows: [...grown.rows, ...rows], isEnd: rows.length < CHUNK_ROWS };
    }
    return grown;
  };
  /** The rest is kept, when nothing has made it old meanwhile. */
  const take = (stretch: Stretch, max: OutboxLimits, isCurrent: boolean): readonly OutboxItem[] => {
    const items = outboxItems(wholeIn(stretch), max);
    if (!isCurrent) return items;
    const after = items.at(-1)?.position ?? stretch.after;
    const rows = stretch.rows.filter(({ order }) => after === null || order > after);
    kept = stretch.isEnd && rows.length === 0 ? null : { after, rows, isEnd: stretch.isEnd };
    readAhead();
    return items;
  };
  const readAhead = (): void => {
    const from = kept;
    if (from === null || isEnough(from, AHEAD)) return;
    reading = grow(from, AHEAD).then(
      (grown) => {
        if (kept === from) kept = grown;
      },
      // Whoever needs these rows reads them again, and hears of it.
      () => undefined,
    );
  };
  return {
    async read(after, max) {
      const begun = age;
      await reading;
      const known = kept?.after === after ? kept : { after, rows: [], isEnd: false };
      const grown = await grow(known, max);
      return take(grown, max, age === begun);
    },
    peek(after, max) {
      return kept !== null && kept.after === after && isEnough(kept, max) ? take(kept, max, true) : null;
    },
    forget() {
      age += 1;
      kept = null;
    },
  };
}

/** The last change may go on behind what was read. */
function wholeIn({ rows, isEnd }: Stretch): readonly OutboxRow[] {
  const last = rows.at(-1);
  return isEnd || last === undefined ? rows : rows.filter(({ order }) => order !== last.order);
}

function isEnough(stretch: Stretch, max: OutboxLimits): boolean {
  if (stretch.isEnd) return true;
  let changes = 0;
  let bytes = 0;
  for (const row of wholeIn(stretch)) {
    if (row.part === 0) changes += 1;
    bytes += row.bytes;
    if (changes >= max.changes || bytes >= max.bytes) return true;
  }
  return false;
}

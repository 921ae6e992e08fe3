/**
 * A page of 500 one-field changes on a device with all that follows from it: state, rows and conflicts. With ten times as many
 * records the page costs the same; beside it, what deriving the conflicts of every record would cost.
 */
import {
  type StoredEntry,
  encodePage,
  openConflicts,
  decodeServerMessage,
  DEFAULT_LIMITS,
  seededRandom,
  type Change,
  type Page,
} from '@skerry/sdk/kernel';
import { emptyDisk, MemoryDevice } from '@skerry/sdk/testing';

import { expectEqual, inTurns, median, printLine } from '../measure.ts';
import { makeHistory, NOTES, type History } from './history.ts';

const SID = 'SSSSSSSSSSS';
const PAGE = 500;
const ROUNDS = 21;

export function benchPages(): void {
  for (const notes of [1_000, 10_000, 100_000]) benchSpace(notes);
}

function benchSpace(notes: number): void {
  const history = makeHistory(notes, ROUNDS * PAGE);
  const device = new MemoryDevice({
    schemas: new Map([['notes', NOTES]]),
    user: { id: 'u' },
    nowMs: () => 0,
    random: seededRandom(1),
    disk: emptyDisk('d'),
  });
  for (const page of pagesOf(history.inserts, 0)) device.ingest(page, [SID]);
  const pages = pagesOf(history.edits, notes);
  let round = 0;
  let open = 0;
  const times = inTurns(ROUNDS, {
    page: () => void device.ingest(pages[round++]!, [SID]),
    every: () => {
      open = 0;
      for (const { id, base } of device.disk.records.values()) open += openConflicts(NOTES, id, base!).length;
    },
  });
  expectEqual('conflicts', [device.disk.conflicts.size, open], [openAtTheEnd(history), openAtTheEnd(history)]);
  printLine(
    `page of ${PAGE} changes among ${notes.toLocaleString('en')} notes`,
    `${median(times.page).toFixed(2)} ms`,
    `conflicts of every note ${median(times.every).toFixed(2)} ms`,
  );
}

/** Registers that ask and have several live values; all values of the history differ. */
function openAtTheEnd({ live }: History): number {
  return [...live].filter(([cell, dots]) => cell.endsWith(' title') && dots.size > 1).length;
}

function pagesOf(changes: readonly Change[], after: number): readonly Page[] {
  const pages: Page[] = [];
  for (let i = 0; i < changes.length; i += PAGE) {
    const part = changes.slice(i, i + PAGE);
    const stored = part.map((change, at): StoredEntry => ({
      lsn: after + i + at + 1,
      stamp: [SID, after + i + at + 1],
      kind: 'change',
      dot: change.dot,
      text: JSON.stringify(change),
    }));
    const end = { [SID]: after + i + part.length };
    const decoded = decodeServerMessage(encodePage(stored, { cursor: end, head: end }), DEFAULT_LIMITS);
    if (decoded.type !== 'ok' || decoded.message.type !== 'page') throw new Error('the page is none');
    pages.push(decoded.message);
  }
  return pages;
}

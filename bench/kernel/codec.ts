/**
 * A page of 1,000 changes from the server's stored texts to a message that was checked field by field, beside JSON alone: the
 * same bytes parsed and written again, and nothing looked at.
 */
import { decodeServerMessage, DEFAULT_LIMITS, encodePage, type Change, type StoredEntry } from '@skerry/sdk/kernel';

import { expectEqual, inTurns, median, printLine } from '../measure.ts';
import { bodyEdits, fresh, makeHistory } from './history.ts';

const CHANGES = 1_000;
/** The first ones run before the engine has compiled the code. */
const ROUNDS = 101;
const SID = 'SSSSSSSSSSS';
/** One page, where the server would make two. */
const LIMITS = { ...DEFAULT_LIMITS, entriesPerPage: CHANGES, frameBytes: 2 ** 21 };

export function benchCodec(): void {
  benchPage('titles', makeHistory(CHANGES, CHANGES).edits);
  benchPage('texts of 400 bytes', bodyEdits(CHANGES));
}

function benchPage(name: string, changes: readonly Change[]): void {
  const entries = changes.map((change, i): StoredEntry => {
    return { lsn: i + 1, stamp: [SID, i + 1], kind: 'change', dot: change.dot, text: JSON.stringify(change) };
  });
  const end = { [SID]: CHANGES };
  const place = { cursor: end, head: end };
  const text = encodePage(entries, place);
  const pages = Array.from({ length: ROUNDS }, () => fresh(entries));
  let i = 0;
  let decoded: unknown;
  const times = inTurns(ROUNDS, {
    'encoded and decoded': () => {
      decoded = decodeServerMessage(encodePage(pages[i++]!, place), LIMITS);
    },
    'JSON alone': () => void JSON.stringify(JSON.parse(text)),
  });
  const page = {
    type: 'page',
    entries: changes.map((change, n) => ({ stamp: [SID, n + 1], dot: change.dot, change })),
    cursor: end,
    head: end,
  };
  expectEqual('page', decoded, { type: 'ok', message: page });
  const [ours, json] = [median(times['encoded and decoded']), median(times['JSON alone'])];
  printLine(
    `page of ${CHANGES} changes, ${name}`,
    `${ours.toFixed(2)} ms (goal 10)`,
    `JSON alone ${json.toFixed(2)} ms`,
    `ratio ${(ours / json).toFixed(1)}`,
    `${(text.length / 1024).toFixed(0)} KiB`,
  );
}

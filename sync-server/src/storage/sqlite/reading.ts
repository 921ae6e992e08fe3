/** What is read of a space outside of transactions that write. */
import { dotOf } from '@skerry/sdk/kernel';
import type { Chain, Inc, KnownWriter, StoredEntry, VersionVector } from '@skerry/sdk/kernel';

import type { ReadLimit } from '../port.ts';
import type { Space } from './space-row.ts';
import type { Statements } from './statements.ts';
import { checkText } from '../wholeness.ts';

interface EntryRow {
  readonly lsn: number;
  readonly sid: string;
  readonly n: number;
  readonly kind: StoredEntry['kind'];
  readonly inc: Inc | null;
  readonly seq: number;
  readonly hash: string | null;
  readonly chain: string;
  readonly text: string | null;
  readonly bytes: number | null;
}

interface WriterRow extends Pick<KnownWriter, 'seq' | 'owner'> {
  readonly voids: string | null;
}

export function knownOf(statements: Statements, space: number, incs: readonly Inc[]): ReadonlyMap<Inc, KnownWriter> {
  const known = new Map<Inc, KnownWriter>();
  for (const inc of incs) {
    const row = statements.known.get(space, inc) as WriterRow | undefined;
    if (!row) continue;
    const { seq, owner, voids } = row;
    known.set(inc, { seq, owner, ...(voids === null ? {} : { voids: JSON.parse(voids) as number[] }) });
  }
  return known;
}

/** Chain hashes at the cursor, of the streams of which the log still has that entry. */
export function chainsAt(statements: Statements, { id, meta }: Space, cursor: VersionVector): Chain {
  const chain: Record<string, string> = {};
  for (const [sid, n] of Object.entries(cursor)) {
    const isEnd = n > 0 && Object.hasOwn(meta.cursor, sid) && meta.cursor[sid] === n;
    const hash = isEnd ? meta.chain[sid] : (statements.chain.get(id, sid, n) as string | undefined);
    if (hash !== undefined) chain[sid] = hash;
  }
  return chain;
}

/** Behind which place of the log something begins that the cursor lacks. */
export function positionFor(statements: Statements, { id, meta }: Space, cursor: VersionVector): number {
  const missing = Object.keys(meta.cursor).flatMap((sid) => {
    const lsn = statements.missing.get(id, sid, Object.hasOwn(cursor, sid) ? cursor[sid] : 0) as number | undefined;
    return lsn === undefined ? [] : [lsn - 1];
  });
  return Math.min(meta.lsn, ...missing);
}

/** At least one entry if there is one, else within the limits. */
export function readEntries(
  statements: Statements,
  space: number,
  after: number,
  max: ReadLimit,
): readonly StoredEntry[] {
  const entries: StoredEntry[] = [];
  let bytes = 0;
  for (const row of statements.entries.iterate(space, after, max.entries) as IterableIterator<EntryRow>) {
    bytes += row.bytes ?? 0;
    if (entries.length > 0 && bytes > max.bytes) break;
    entries.push(entryOf(row));
  }
  return entries;
}

/** Every entry behind `after`, the last one first: for a reader that stops when it has enough. */
export function* entriesBack(statements: Statements, { id }: Space, after: number): Iterable<StoredEntry> {
  for (const row of statements.entriesBack.iterate(id, after) as IterableIterator<EntryRow>) yield entryOf(row);
}

function entryOf({ lsn, sid, n, kind, inc, seq, hash, chain, text }: EntryRow): StoredEntry {
  checkText(text, hash);
  return { lsn, stamp: [sid, n], kind, dot: inc === null ? null : dotOf(inc, seq), text, chain };
}

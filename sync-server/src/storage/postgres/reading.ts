/** What is read of a space outside of transactions that write, on any session. */
import { dotOf, newSpaceMeta } from '@skerry/sdk/kernel';
import type { Chain, Inc, KnownWriter, Sid, StoredEntry } from '@skerry/sdk/kernel';

import type { Look, Question, ReadLimit } from '../port.ts';
import { checkText } from '../wholeness.ts';
import type { Session } from './sessions.ts';
import { metaOf, type SpaceRow } from './space-row.ts';
import type { Statements } from './statements.ts';

export interface EntryRow {
  readonly lsn: number;
  readonly sid: Sid;
  readonly n: number;
  readonly kind: StoredEntry['kind'];
  readonly inc: Inc | null;
  readonly seq: number | null;
  readonly hash: string | null;
  readonly chain: string;
  readonly text: string | null;
}

interface LookRow extends SpaceRow {
  readonly known: readonly (readonly [Inc, number, string | null, string | null])[] | null;
  readonly chains: readonly (readonly [Sid, string])[] | null;
  readonly missing: number | null;
}

export async function lookAt(
  session: Session,
  { look }: Statements,
  sid: Sid,
  space: string,
  { writers, cursor }: Question,
): Promise<Look> {
  const values = [space, writers, Object.keys(cursor), Object.values(cursor)];
  const [row] = await session.query<LookRow>(look, values);
  if (!row) return { meta: newSpaceMeta([sid]), known: new Map(), chain: {}, position: 0 };
  const meta = metaOf(row);
  const chain: Record<Sid, string> = Object.fromEntries(row.chains ?? []);
  // Of an end the log may have been cut; its hash is kept with the space.
  for (const [of, n] of Object.entries(cursor)) {
    const isEnd = n > 0 && Object.hasOwn(meta.cursor, of) && meta.cursor[of] === n;
    if (isEnd) chain[of] = meta.chain[of]!;
  }
  const known = new Map((row.known ?? []).map(([inc, ...rest]) => [inc, knownOf(...rest)]));
  return { meta, known, chain: chain as Chain, position: Math.min(meta.lsn, (row.missing ?? Infinity) - 1) };
}

export function knownOf(seq: number, owner: string | null, voids: string | null): KnownWriter {
  return { seq, owner, ...(voids === null ? {} : { voids: JSON.parse(voids) as number[] }) };
}

/** At least one entry if there is one, else within the limits. */
export async function readEntries(
  session: Session,
  { entries }: Statements,
  space: string,
  after: number,
  max: ReadLimit,
): Promise<readonly StoredEntry[]> {
  return (await session.query<EntryRow>(entries, [space, after, max.entries, max.bytes])).map(entryOf);
}

export function entryOf({ lsn, sid, n, kind, inc, seq, hash, chain, text }: EntryRow): StoredEntry {
  checkText(text, hash);
  return { lsn, stamp: [sid, n], kind, dot: inc === null ? null : dotOf(inc, seq!), text, chain };
}

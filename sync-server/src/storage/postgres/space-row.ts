/** A space as a row: what the kernel keeps of it. */
import type { SpaceMeta } from '@skerry/sdk/kernel';

import type { Value } from './sessions.ts';

export interface SpaceRow {
  readonly lsn: number;
  readonly cursor: string;
  readonly chain: string;
  readonly topology: string;
  readonly truncated: string;
  readonly digest: string;
  readonly history: string;
  readonly has_news: boolean;
  readonly is_remembered: boolean;
}

/** With what it takes, as who writes to it needs to know. */
export interface LockedRow extends SpaceRow {
  readonly bytes: number;
}

export function metaOf(row: SpaceRow): SpaceMeta {
  return {
    lsn: row.lsn,
    cursor: JSON.parse(row.cursor) as SpaceMeta['cursor'],
    chain: JSON.parse(row.chain) as SpaceMeta['chain'],
    topology: JSON.parse(row.topology) as SpaceMeta['topology'],
    truncated: JSON.parse(row.truncated) as SpaceMeta['truncated'],
    digest: JSON.parse(row.digest) as SpaceMeta['digest'],
    history: JSON.parse(row.history) as SpaceMeta['history'],
    hasNews: row.has_news,
    isRemembered: row.is_remembered,
  };
}

/** What changes with every transaction, in the order of the columns; the history, by far the longest part, changes once a day. */
export function columnsOf(meta: SpaceMeta): readonly Value[] {
  const texts = [meta.cursor, meta.chain, meta.topology, meta.truncated, meta.digest].map((part) =>
    JSON.stringify(part),
  );
  return [meta.lsn, ...texts, meta.hasNews, meta.isRemembered];
}

/** A space as a row: what the kernel keeps of it, and its number in this database. */
import type { SpaceMeta } from '@skerry/sdk/kernel';

import type { Statements } from './statements.ts';

export interface Space {
  readonly id: number;
  readonly meta: SpaceMeta;
}

interface SpaceRow {
  readonly id: number;
  readonly lsn: number;
  readonly cursor: string;
  readonly chain: string;
  readonly topology: string;
  readonly truncated: string;
  readonly digest: string;
  readonly history: string;
  readonly has_news: number;
  readonly is_remembered: number;
}

export function findSpace(statements: Statements, name: string): Space | null {
  const row = statements.space.get(name) as SpaceRow | undefined;
  return row ? { id: row.id, meta: metaOf(row) } : null;
}

export function addSpace(statements: Statements, name: string, meta: SpaceMeta): number {
  return statements.addSpace.get(...columnsOf(meta), JSON.stringify(meta.history), name) as number;
}

/** Throws when somebody else has written to it since it was read. */
export function setSpace(statements: Statements, { id, meta: before }: Space, meta: SpaceMeta): void {
  const { changes } = statements.setSpace.run(...columnsOf(meta), id, before.lsn);
  if (changes !== 1) throw new Error(`Broken invariant: the log has changed behind entry ${before.lsn}`);
  // By far the longest part, and it changes once a day.
  if (meta.history !== before.history) statements.setHistory.run(JSON.stringify(meta.history), id);
}

/** In the order in which both statements name them. */
function columnsOf(meta: SpaceMeta): readonly (string | number)[] {
  const texts = [meta.cursor, meta.chain, meta.topology, meta.truncated, meta.digest].map((part) =>
    JSON.stringify(part),
  );
  return [meta.lsn, ...texts, Number(meta.hasNews), Number(meta.isRemembered)];
}

function metaOf(row: SpaceRow): SpaceMeta {
  return {
    lsn: row.lsn,
    cursor: JSON.parse(row.cursor) as SpaceMeta['cursor'],
    chain: JSON.parse(row.chain) as SpaceMeta['chain'],
    topology: JSON.parse(row.topology) as SpaceMeta['topology'],
    truncated: JSON.parse(row.truncated) as SpaceMeta['truncated'],
    digest: JSON.parse(row.digest) as SpaceMeta['digest'],
    history: JSON.parse(row.history) as SpaceMeta['history'],
    hasNews: row.has_news === 1,
    isRemembered: row.is_remembered === 1,
  };
}

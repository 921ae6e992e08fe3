/** A space as a row: what the kernel keeps of it, and its number in this database. */
import type { SpaceMeta } from '@skerry/sdk/kernel';

import { partsOf, textsOf, type SpaceTexts } from '../space-texts.ts';
import type { Statements } from './statements.ts';

export interface Space {
  readonly id: number;
  readonly meta: SpaceMeta;
}

interface SpaceRow extends SpaceTexts {
  readonly id: number;
  readonly lsn: number;
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
  return [meta.lsn, ...textsOf(meta), Number(meta.hasNews), Number(meta.isRemembered)];
}

function metaOf(row: SpaceRow): SpaceMeta {
  return { lsn: row.lsn, ...partsOf(row), hasNews: row.has_news === 1, isRemembered: row.is_remembered === 1 };
}

/** A space as a row: what the kernel keeps of it. */
import type { SpaceMeta } from '@skerry/sdk/kernel';

import { partsOf, textsOf, type SpaceTexts } from '../space-texts.ts';
import type { Value } from './sessions.ts';

export interface SpaceRow extends SpaceTexts {
  readonly lsn: number;
  readonly has_news: boolean;
  readonly is_remembered: boolean;
}

/** With what it takes, as who writes to it needs to know. */
export interface LockedRow extends SpaceRow {
  readonly bytes: number;
}

export function metaOf(row: SpaceRow): SpaceMeta {
  return { lsn: row.lsn, ...partsOf(row), hasNews: row.has_news, isRemembered: row.is_remembered };
}

/** What changes with every transaction, in the order of the columns. */
export function columnsOf(meta: SpaceMeta): readonly Value[] {
  return [meta.lsn, ...textsOf(meta), meta.hasNews, meta.isRemembered];
}

/** What every SQL storage keeps of a space as JSON, under these names: parts of different lengths, which change at different times. */
import type { SpaceMeta } from '@skerry/sdk/kernel';

const PARTS = ['cursor', 'chain', 'topology', 'truncated', 'digest'] as const;

type Part = (typeof PARTS)[number] | 'history';

export type SpaceTexts = Readonly<Record<Part, string>>;

/** What changes with every transaction, in this order; the history, by far the longest part, changes once a day. */
export function textsOf(meta: SpaceMeta): readonly string[] {
  return PARTS.map((part) => JSON.stringify(meta[part]));
}

export function partsOf(row: SpaceTexts): Pick<SpaceMeta, Part> {
  const part = <P extends Part>(name: P): SpaceMeta[P] => JSON.parse(row[name]) as SpaceMeta[P];
  return {
    cursor: part('cursor'),
    chain: part('chain'),
    topology: part('topology'),
    truncated: part('truncated'),
    digest: part('digest'),
    history: part('history'),
  };
}

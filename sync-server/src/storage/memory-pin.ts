/** A pinned space of the memory storage: a copy, cut by the kernel. */
import { prepareSnapshot, recentChanges, recordNameOf, type Inc, type Limits } from '@skerry/sdk/kernel';

import { pick, type SpaceData } from './memory-data.ts';
import type { Piece, PinnedSpace } from './port.ts';

export function pinInMemory({ meta, log, records, writers, known }: SpaceData, limits: Limits): PinnedSpace {
  const knownThen = new Map(known);
  const prepared = prepareSnapshot(
    {
      id: '',
      meta,
      records: [...records].map(([key, state]) => ({ ...recordNameOf(key), state })),
      recent: recentChanges(meta, [...log].reverse()),
      writerOf: (inc) => writers.get(inc),
      known: (inc: Inc) => knownThen.get(inc),
    },
    limits,
  );
  return {
    meta,
    pieces: prepared.pieces.length,
    records: prepared.records,
    known: async (incs) => pick(knownThen, incs),
    piece: async (index): Promise<Piece> => prepared.pieces[index]!,
    release: () => undefined,
  };
}

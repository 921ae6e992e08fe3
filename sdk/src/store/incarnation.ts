/**
 * The writer incarnation of one database connection: random, made at the first write, in memory only, never resumed.
 *
 * What is on disk is compared with what this connection remembers at every write. Whenever the two differ (a profile
 * was restored under a living tab, the storage process lost its tail) the connection goes on as a new writer, so no
 * dot is ever used twice.
 */
import type { Inc } from '../core/dot.ts';
import { newIncarnation } from '../lib/ids.ts';
import type { Random } from '../lib/random.ts';

export interface WriterIncarnation {
  /** The incarnation to write under, given the numbering on disk. Its next seq is one more than the disk says. */
  continueFrom(seqs: Readonly<Record<Inc, number>>): Inc;
  committed(inc: Inc, seq: number): void;
  /** The connection was lost or closed, or a transaction failed: the next write starts a new incarnation. */
  end(): void;
}

export function createIncarnation(nowMs: () => number, random: Random): WriterIncarnation {
  let current: { inc: Inc; seq: number } | null = null;
  return {
    continueFrom(seqs) {
      const onDisk = current && Object.hasOwn(seqs, current.inc) ? seqs[current.inc]! : 0;
      if (!current || current.seq !== onDisk) current = { inc: newIncarnation(nowMs(), random), seq: 0 };
      return current.inc;
    },
    committed(inc, seq) {
      if (current?.inc === inc) current.seq = seq;
    },
    end() {
      current = null;
    },
  };
}

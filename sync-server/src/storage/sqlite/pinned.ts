/**
 * A space at one moment: a read transaction on a connection of its own, which SQLite keeps to what was there when it
 * began. The pieces are read one by one, so that a large space costs no memory.
 */
import { newSpaceMeta, pieceStarts, recentChanges, safelyKept, writersIn } from '@skerry/sdk/kernel';
import type { Limits, Sid, Writer } from '@skerry/sdk/kernel';
import type { Database } from 'better-sqlite3';

import type { Piece, PinnedSpace, RecordName } from '../port.ts';
import { entriesBack, knownOf, positionFor } from './reading.ts';
import { findSpace, type Space } from './space-row.ts';
import { prepare, type Statements } from './statements.ts';
import { readRecord, type RecordRow } from '../wholeness.ts';

type Read = () => Piece;

/** Takes over `database`, a connection of its own. */
export function pinSpace(database: Database, name: string, sid: Sid, limits: Limits): PinnedSpace {
  try {
    database.exec('BEGIN');
    const statements = prepare(database);
    const space = findSpace(statements, name);
    const { count, reads } = space ? outline(statements, space, limits) : { count: 0, reads: [] };
    const pieces = reads.length > 0 ? reads : [() => EMPTY];
    return {
      meta: space?.meta ?? newSpaceMeta([sid]),
      pieces: pieces.length,
      records: count,
      known: async (incs) => (space ? knownOf(statements, space.id, incs) : new Map()),
      piece: async (index) => pieces[index]!(),
      release: () => void database.close(),
    };
  } catch (cause) {
    database.close();
    throw cause;
  }
}

const EMPTY: Piece = { records: [], writers: [], recent: [] };

function outline(
  statements: Statements,
  space: Space,
  limits: Limits,
): { readonly count: number; readonly reads: readonly Read[] } {
  const names: RecordName[] = [];
  const starts = pieceStarts(sizesOf(statements, space.id, names), limits.recordsPerPiece, limits.pageBytes);
  const records = starts.map((start, i): Read => {
    const first = names[start]!;
    const size = (starts[i + 1] ?? names.length) - start;
    return () => readRecords(statements, space.id, first, size);
  });
  return { count: names.length, reads: [...records, ...recentReads(statements, space, limits)] };
}

/** The size of each record, and its name in `names`. */
function* sizesOf(statements: Statements, space: number, names: RecordName[]): Iterable<number> {
  const rows = statements.recordSizes.iterate(space) as IterableIterator<RecordName & { readonly bytes: number }>;
  for (const { c, id, bytes } of rows) {
    names.push({ c, id });
    yield bytes + FRAME_BYTES;
  }
}

/** What stands around a record or an entry in its frame, at most. */
const FRAME_BYTES = 100;

function readRecords(statements: Statements, space: number, { c, id }: RecordName, count: number): Piece {
  const rows = statements.recordsFrom.all(space, c, id, count) as (RecordName & RecordRow)[];
  const records = rows.map((row) => ({ c: row.c, id: row.id, state: readRecord(row.c, row.id, row) }));
  const writerOf = (inc: string): Writer | undefined => {
    const text = statements.writer.get(space, inc) as string | null | undefined;
    return text ? (JSON.parse(text) as Writer) : undefined;
  };
  return { records, writers: writersIn(records, writerOf), recent: [] };
}

/** What is not safe is within the limits of a tail, or few, or the servers have lost each other. */
function recentReads(statements: Statements, space: Space, limits: Limits): readonly Read[] {
  const { meta } = space;
  const after = positionFor(statements, space, safelyKept(meta.topology, meta.cursor));
  const recent = recentChanges(meta, entriesBack(statements, space, after));
  const starts = pieceStarts(
    recent.map((entry) => Buffer.byteLength(JSON.stringify(entry))),
    limits.entriesPerPage,
    limits.pageBytes,
  );
  return starts.map((start, i) => {
    const entries = recent.slice(start, starts[i + 1]);
    return () => ({ records: [], writers: [], recent: entries });
  });
}

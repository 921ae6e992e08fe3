/**
 * A space at one moment: a read-only transaction on a session of its own, which PostgreSQL keeps to what was there when it
 * began. The pieces are read one by one, so that a large space costs no memory.
 */
import { pieceStarts, recentChanges, safelyKept, writersIn } from '@skerry/sdk/kernel';
import type { Inc, Limits, Sid, SpaceMeta, Writer } from '@skerry/sdk/kernel';

import type { Piece, PinnedSpace, RecordName } from '../port.ts';
import { readRecord, type RecordRow } from '../wholeness.ts';
import { entryOf, knownOf, lookAt, type EntryRow } from './reading.ts';
import type { HeldSession, Session } from './sessions.ts';
import type { Statements } from './statements.ts';

type Read = () => Promise<Piece>;

/** Takes over the session. */
export async function pinSpace(
  held: HeldSession,
  statements: Statements,
  sid: Sid,
  space: string,
  limits: Limits,
): Promise<PinnedSpace> {
  const { session } = held;
  try {
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { meta } = await lookAt(session, statements, sid, space, { writers: [], cursor: {} });
    const pinned = new Pinned(session, statements, sid, space);
    const { count, reads } = await pinned.outline(meta, limits);
    let isGone = false;
    void held.ended.then(() => (isGone = true));
    const pieces = reads.length > 0 ? reads : [async () => EMPTY];
    return {
      meta,
      pieces: pieces.length,
      records: count,
      known: (incs) => pinned.known(incs),
      piece: (index) => pieces[index]!(),
      isGone: () => isGone,
      release: () => void held.close(),
    };
  } catch (cause) {
    void held.close();
    throw cause;
  }
}

const EMPTY: Piece = { records: [], writers: [], recent: [] };

/** Rows that are read together, and bytes of them. */
const SIZES_PAGE = 5_000;
const RECENT_PAGE = 500;
const RECENT_BYTES = 4_194_304;
/** What stands around a record or an entry in its frame, at most. */
const FRAME_BYTES = 100;

class Pinned {
  readonly #session: Session;
  readonly #statements: Statements;
  readonly #sid: Sid;
  readonly #space: string;

  constructor(session: Session, statements: Statements, sid: Sid, space: string) {
    this.#session = session;
    this.#statements = statements;
    this.#sid = sid;
    this.#space = space;
  }

  async outline(meta: SpaceMeta, limits: Limits): Promise<{ readonly count: number; readonly reads: readonly Read[] }> {
    const { names, sizes } = await this.#sizes();
    const starts = pieceStarts(sizes, limits.recordsPerPiece, limits.pageBytes);
    const records = starts.map((start, i): Read => {
      const first = names[start]!;
      const size = (starts[i + 1] ?? names.length) - start;
      return () => this.#readRecords(first, size);
    });
    return { count: names.length, reads: [...records, ...(await this.#recentReads(meta, limits))] };
  }

  async known(incs: readonly Inc[]): ReturnType<PinnedSpace['known']> {
    const rows = await this.#session.query<KnownRow>(this.#statements.known, [this.#space, incs]);
    return new Map(rows.map(({ inc, seq, owner, voids }) => [inc, knownOf(seq, owner, voids)]));
  }

  async #sizes(): Promise<{ readonly names: readonly RecordName[]; readonly sizes: readonly number[] }> {
    const names: RecordName[] = [];
    const sizes: number[] = [];
    for (;;) {
      const { c, id } = names.at(-1) ?? { c: '', id: '' };
      const values = [this.#space, c, id, SIZES_PAGE];
      const rows = await this.#session.query<SizeRow>(this.#statements.recordSizes, values);
      for (const row of rows) {
        names.push({ c: row.c, id: row.id });
        sizes.push(row.bytes + FRAME_BYTES);
      }
      if (rows.length < SIZES_PAGE) return { names, sizes };
    }
  }

  async #readRecords({ c, id }: RecordName, count: number): Promise<Piece> {
    const values = [this.#space, c, id, count];
    const rows = await this.#session.query<NamedRow>(this.#statements.recordsFrom, values);
    const records = rows.map((row) => ({ c: row.c, id: row.id, state: readRecord(row.c, row.id, row) }));
    const asked: Inc[] = [];
    writersIn(records, (inc) => void asked.push(inc));
    const found = await this.#session.query<WriterRow>(this.#statements.writers, [this.#space, asked]);
    const writers = new Map(found.map(({ inc, writer }) => [inc, JSON.parse(writer) as Writer]));
    return { records, writers: writersIn(records, (inc) => writers.get(inc)), recent: [] };
  }

  /** What is not safe is within the limits of a tail, or few, or the servers have lost each other. */
  async #recentReads(meta: SpaceMeta, limits: Limits): Promise<readonly Read[]> {
    const recent = await this.#recent(meta);
    const starts = pieceStarts(
      recent.map((entry) => Buffer.byteLength(JSON.stringify(entry))),
      limits.entriesPerPage,
      limits.pageBytes,
    );
    return starts.map((start, i) => {
      const entries = recent.slice(start, starts[i + 1]);
      return async () => ({ records: [], writers: [], recent: entries });
    });
  }

  /** Reads the log back until the kernel wants no more of it. */
  async #recent(meta: SpaceMeta): Promise<ReturnType<typeof recentChanges>> {
    const cursor = safelyKept(meta.topology, meta.cursor);
    const { position } = await lookAt(this.#session, this.#statements, this.#sid, this.#space, { writers: [], cursor });
    const entries: ReturnType<typeof entryOf>[] = [];
    for (;;) {
      const before = entries.at(-1)?.lsn ?? meta.lsn + 1;
      const values = [this.#space, position, before, RECENT_PAGE, RECENT_BYTES];
      const rows = await this.#session.query<EntryRow>(this.#statements.entriesBack, values);
      entries.push(...rows.map(entryOf));
      let isEnough = true;
      const untilTheEnd = function* (): Iterable<(typeof entries)[number]> {
        yield* entries;
        isEnough = false;
      };
      const recent = recentChanges(meta, untilTheEnd());
      if (isEnough || rows.length === 0) return recent;
    }
  }
}

interface SizeRow extends RecordName {
  readonly bytes: number;
}

type NamedRow = RecordName & RecordRow;

interface WriterRow {
  readonly inc: Inc;
  readonly writer: string;
}

interface KnownRow {
  readonly inc: Inc;
  readonly seq: number;
  readonly owner: string | null;
  readonly voids: string | null;
}

/**
 * A snapshot: the records of a space at one K, in pieces. The log from that K on leads to the same state as the whole log;
 * where it stands is read together with the records, or they would not belong together.
 */
import { digestText } from '../core/digest.ts';
import type { Inc } from '../core/dot.ts';
import { incOf } from '../core/dot.ts';
import { recordToJson } from '../core/record-json.ts';
import type { RecordState } from '../core/record.ts';
import { utf8Length } from '../lib/utf8.ts';
import { countOf, covers, type VersionVector } from '../core/version-vector.ts';
import type { Writer } from '../core/change.ts';
import type { Bootstrap, ChangeEntry, Snapshot, SnapshotRecord } from '../protocol/messages.ts';
import { DEFAULT_LIMITS, type Limits } from '../protocol/limits.ts';
import type { KnownWriter, SpaceMeta } from './space.ts';

/** Everything a snapshot is made of, read at one moment. */
export interface SnapshotSource {
  readonly id: string;
  readonly meta: SpaceMeta;
  readonly records: readonly { readonly c: string; readonly id: string; readonly state: RecordState }[];
  /** Changes of the log that are not safe, in log order (`recent.ts`). */
  readonly recent: readonly ChangeEntry[];
  readonly writerOf: (inc: Inc) => Writer | undefined;
  /** How far a writer is contained. */
  readonly known: (inc: Inc) => KnownWriter | undefined;
}

/** A snapshot cut into pieces that fit into a frame. */
export interface PreparedSnapshot {
  readonly id: string;
  readonly meta: SpaceMeta;
  readonly pieces: readonly Omit<Snapshot, 'type' | 'id' | 'piece'>[];
  readonly records: number;
  readonly known: SnapshotSource['known'];
}

type Piece = PreparedSnapshot['pieces'][number];

export function prepareSnapshot(source: SnapshotSource, limits: Limits): PreparedSnapshot {
  const { id, meta, records, recent, writerOf, known } = source;
  const states = records.map(({ c, id: record, state }) => ({ c, id: record, state: recordToJson(state) }));
  const recordPieces = cut(states, limits.recordsPerPiece, limits.pageBytes).map((piece): Piece => ({
    records: piece,
    writers: writersIn(piece, writerOf),
    recent: [],
  }));
  const recentPieces = cut(recent, limits.entriesPerPage, limits.pageBytes).map((piece): Piece => ({
    records: [],
    writers: [],
    recent: piece,
  }));
  const pieces = [...recordPieces, ...recentPieces];
  const empty: Piece = { records: [], writers: [], recent: [] };
  return { id, meta, pieces: pieces.length === 0 ? [empty] : pieces, records: records.length, known };
}

/** A snapshot as far as it is announced; its pieces may be made one by one. */
export interface SnapshotHead extends Pick<PreparedSnapshot, 'id' | 'meta' | 'records' | 'known'> {
  readonly pieces: { readonly length: number };
}

/** What welcome says of it to a receiver that has changes of these writers. */
export function bootstrapOf(
  { id, meta, pieces, records, known }: SnapshotHead,
  about: Pick<Bootstrap, 'why' | 'from'> & { readonly writers: readonly Inc[] },
): Bootstrap {
  const { cursor, chain, topology, digest } = meta;
  const voids = about.writers.flatMap((inc) => {
    const of = known(inc)?.voids;
    return of ? [[inc, of] as const] : [];
  });
  return {
    id,
    why: about.why,
    cursor,
    chain,
    topology,
    digest: digestText(digest),
    known: Object.fromEntries(about.writers.map((inc) => [inc, known(inc)?.seq ?? 0])),
    ...(voids.length > 0 ? { voids: Object.fromEntries(voids) } : {}),
    pieces: pieces.length,
    records,
    from: about.from,
  };
}

/**
 * Whether a receiver with this K may go on with a snapshot that was prepared earlier: the log still leads on from it, and
 * the receiver has seen nothing since that it lacks. `now`: where the log stands.
 */
export function leadsOn({ meta }: Pick<SnapshotHead, 'meta'>, cursor: VersionVector, now: SpaceMeta): boolean {
  const isAhead = Object.keys(cursor).some((sid) => {
    const [have, holds] = [countOf(cursor, sid), countOf(meta.cursor, sid)];
    return have > holds && have <= countOf(now.cursor, sid);
  });
  return !isAhead && covers(meta.cursor, now.truncated);
}

export function pieceOf(snapshot: PreparedSnapshot, piece: number): Snapshot | null {
  const content = snapshot.pieces[piece];
  return content ? { type: 'snapshot', id: snapshot.id, piece, ...content } : null;
}

/**
 * Who stands behind the dots in these records, as far as there is room beside them in a frame: a device can do without a
 * name, and not without the piece.
 */
export function writersIn(
  records: readonly SnapshotRecord[],
  writerOf: SnapshotSource['writerOf'],
): Snapshot['writers'] {
  const incs = new Set(records.flatMap(({ state }) => state.marks.map(([dot]) => incOf(dot))));
  let room = roomBeside(records);
  return [...incs].flatMap((inc) => {
    const writer = writerOf(inc);
    if (!writer) return [];
    const named = { inc, ...writer };
    room -= utf8Length(JSON.stringify(named)) + 1;
    return room < 0 ? [] : [named];
  });
}

/** Several records are together no larger than a page. */
function roomBeside({ length }: readonly SnapshotRecord[]): number {
  const { frameBytes, pageBytes, recordBytes } = DEFAULT_LIMITS;
  return frameBytes - ENVELOPE_BYTES - (length > 1 ? pageBytes : recordBytes);
}

/** What else is in the frame of a piece, with the names of its records. */
const ENVELOPE_BYTES = 65_536;

function cut<T>(items: readonly T[], maxItems: number, maxBytes: number): readonly (readonly T[])[] {
  const sizes = items.map((item) => JSON.stringify(item).length);
  const starts = pieceStarts(sizes, maxItems, maxBytes);
  return starts.map((start, i) => items.slice(start, starts[i + 1]));
}

/** Where the pieces begin when items of these sizes are cut in order: each within both limits, at least one item in each. */
export function pieceStarts(sizes: Iterable<number>, maxItems: number, maxBytes: number): readonly number[] {
  const starts: number[] = [];
  let [at, bytes] = [0, 0];
  for (const size of sizes) {
    const start = starts.at(-1);
    if (start === undefined || at - start >= maxItems || bytes + size > maxBytes) {
      starts.push(at);
      bytes = 0;
    }
    bytes += size;
    at++;
  }
  return starts;
}

/**
 * What is read and written of spaces inside a transaction. Whoever writes to a space holds its row from the begin of the
 * transaction to its end: numbers are given, and become visible, in one order.
 */
import {
  assert,
  incOf,
  isExpired,
  newSpaceMeta,
  reaches,
  recordFromJson,
  seqOf,
  settle,
  spaceKey,
  viewSpace,
} from '@skerry/sdk/kernel';
import type {
  Digest,
  Dot,
  Inc,
  KnownWriter,
  NewEntry,
  RecordJson,
  RecordState,
  SettledRecord,
  Sid,
  SpaceMeta,
  SpaceView,
  Stamp,
  VersionVector,
} from '@skerry/sdk/kernel';

import { deathOf } from '../death.ts';
import type { Cut, SpaceQuestion, Transaction } from '../port.ts';
import { StorageError } from '../port.ts';
import { readRecord } from '../wholeness.ts';
import { writerIn } from '../writer.ts';
import { knownOf } from './reading.ts';
import type { Session } from './sessions.ts';
import { columnsOf, metaOf, type LockedRow } from './space-row.ts';
import type { Statements } from './statements.ts';

export class PostgresTransaction implements Transaction {
  readonly #session: Session;
  readonly #statements: Statements;
  readonly #sid: Sid;
  /** As they were when they were locked; null for one that is not there yet. */
  readonly #spaces = new Map<string, Promise<Locked | null>>();
  readonly #saved = new Map<string, number>();

  constructor(session: Session, statements: Statements, sid: Sid) {
    this.#session = session;
    this.#statements = statements;
    this.#sid = sid;
  }

  /** Where the logs of the spaces end that were saved. */
  get saved(): ReadonlyMap<string, number> {
    return this.#saved;
  }

  /**
   * Takes the locks, in an order that is the same for every transaction. What is asked of the transaction before this has
   * resolved travels with it.
   */
  async begin(schema: string, spaces: readonly string[]): Promise<void> {
    const { share, sid } = this.#statements;
    const shared = this.#session.query(share, [schema]);
    const identity = this.#session.query<{ readonly value: Sid }>(sid, []);
    await Promise.all([shared, identity, ...[...new Set(spaces)].sort().map((space) => this.lock(space))]);
    const [row] = await identity;
    if (row?.value !== this.#sid)
      throw new StorageError('broken', 'the database has become another server: start this node again');
  }

  /** Waits for whoever writes to the space. */
  lock(space: string): Promise<Locked | null> {
    const locked = this.#session
      .query<LockedRow>(this.#statements.lock, [space])
      .then(([row]) => (row ? { meta: metaOf(row), bytes: row.bytes } : null));
    // Who asks about the space hears of a failure.
    locked.catch(() => undefined);
    this.#spaces.set(space, locked);
    return locked;
  }

  views(questions: readonly SpaceQuestion[]): Promise<readonly SpaceView[]> {
    return Promise.all(questions.map((question) => this.#view(question)));
  }

  async save(space: string, view: SpaceView): Promise<void> {
    const records = recordsOf(view);
    const { meta, entries } = view;
    const found = await this.#find(space);
    const before = found?.meta;
    const end = before?.lsn ?? 0;
    assert(
      meta.lsn === end + entries.length && entries.every(({ lsn }, i) => lsn === end + 1 + i),
      'entries are numbered without gaps',
    );
    const { addSpace, setHistory, save } = this.#statements;
    const history = JSON.stringify(meta.history);
    const steps: Promise<unknown>[] = [];
    if (!before) {
      const [topology, digest] = [JSON.stringify(meta.topology), JSON.stringify(meta.digest)];
      steps.push(this.#session.change(addSpace, [space, topology, digest, history]));
    } else if (meta.history !== before.history) steps.push(this.#session.change(setHistory, [space, history]));
    const values = [
      space,
      end,
      ...columnsOf(meta),
      ...entriesOf(entries),
      ...heardIn(view),
      ...records,
      bytesIn(view, records),
    ];
    const saved = this.#session.change(save, values);
    await Promise.all([...steps, saved]);
    assert((await saved) === 1, `nobody else has written behind entry ${end}`);
    this.#spaces.set(space, Promise.resolve({ meta, bytes: view.bytes }));
    this.#saved.set(space, meta.lsn);
  }

  async cut(space: string, limit: VersionVector, max: number): Promise<readonly Cut[]> {
    await this.#find(space);
    const { stamps, cutLog } = this.#statements;
    const rows = await this.#session.query<StampRow>(stamps, [space, max]);
    const end = rows.findIndex(({ sid, n }) => !reaches(limit, [sid, n]));
    const gone = end < 0 ? rows : rows.slice(0, end);
    if (gone.length > 0) await this.#session.change(cutLog, [space, gone.at(-1)!.lsn]);
    return gone.map(({ sid, n }) => ({ stamp: [sid, n] satisfies Stamp }));
  }

  async forget(space: string, horizon: VersionVector, max: number): Promise<number> {
    await this.#find(space);
    const { dead, forget } = this.#statements;
    const gone: DeadRow[] = [];
    for (let from = 0; ; from += DEAD_PAGE) {
      const values = [space, Object.keys(horizon), Object.values(horizon), DEAD_PAGE, from];
      const rows = await this.#session.query<DeadRow>(dead, values);
      // The index knows one delete of the record; there may be others.
      const expired = rows.filter(({ id, state }) =>
        isExpired(id, recordFromJson(JSON.parse(state) as RecordJson), horizon),
      );
      gone.push(...expired.slice(0, max - gone.length));
      if (rows.length < DEAD_PAGE || gone.length === max) break;
    }
    const names = [gone.map(({ collection }) => collection), gone.map(({ id }) => id)];
    if (gone.length > 0) await this.#session.change(forget, [space, ...names]);
    return gone.length;
  }

  #find(space: string): Promise<Locked | null> {
    const found = this.#spaces.get(space);
    assert(found !== undefined, 'a transaction names its spaces before it begins');
    return found;
  }

  async #view({ space, incs, dots, records }: SpaceQuestion): Promise<SpaceView> {
    const { facts } = this.#statements;
    const names = [records.map(({ c }) => c), records.map(({ id }) => id)];
    const isEmpty = incs.length + records.length === 0;
    const asked = isEmpty ? [] : this.#session.query<FactRow>(facts, [space, incs, ...names]);
    const [found, rows] = await Promise.all([this.#find(space), asked]);
    if (!found) return viewSpace(this.#sid, newSpaceMeta([this.#sid]), NO_FACTS);
    const known = new Map<Inc, KnownWriter>();
    const states = new Map<string, RecordState>();
    const digests = new Map<string, Digest>();
    const sizes = new Map<string, number>();
    for (const row of rows) {
      if (row.is_writer) known.set(row.a, knownOf(row.n, row.c, row.d));
      else {
        const key = spaceKey(row.a, row.b);
        states.set(key, recordFromJson(readRecord(row.a, row.b, { state: row.c, digest: row.d })));
        digests.set(key, JSON.parse(row.d) as Digest);
        sizes.set(key, row.n);
      }
    }
    // Nothing is stored under a dot beyond what is known of its writer: nearly all that is pushed.
    const askedIncs = new Set(incs);
    const isNew = (dot: Dot): boolean => askedIncs.has(incOf(dot)) && seqOf(dot) > (known.get(incOf(dot))?.seq ?? 0);
    const hashes = await this.#hashes(
      space,
      dots.filter((dot) => !isNew(dot)),
    );
    return viewSpace(this.#sid, found.meta, { known, hashes, records: states, digests, sizes, bytes: found.bytes });
  }

  async #hashes(space: string, dots: readonly Dot[]): Promise<ReadonlyMap<Dot, string>> {
    if (dots.length === 0) return new Map();
    const byName = new Map(dots.map((dot) => [`${incOf(dot)} ${seqOf(dot)}`, dot]));
    const values = [space, dots.map(incOf), dots.map(seqOf)];
    const rows = await this.#session.query<HashRow>(this.#statements.hashes, values);
    return new Map(rows.map(({ inc, seq, hash }) => [byName.get(`${inc} ${seq}`)!, hash]));
  }
}

/** Dead records that are looked at together. */
const DEAD_PAGE = 500;

const NO_FACTS = { known: new Map(), hashes: new Map(), records: new Map() };

interface Locked {
  readonly meta: SpaceMeta;
  readonly bytes: number;
}

type Columns = readonly (readonly (string | number | null)[])[];

/** In the order in which `save` names them. */
function entriesOf(entries: readonly NewEntry[]): Columns {
  return [
    entries.map(({ lsn }) => lsn),
    entries.map(({ stamp: [sid] }) => sid),
    entries.map(({ stamp: [, n] }) => n),
    entries.map(({ kind }) => kind),
    entries.map(({ dot }) => (dot === null ? null : incOf(dot))),
    entries.map(({ dot }) => (dot === null ? null : seqOf(dot))),
    entries.map(({ hash }) => hash),
    entries.map(({ chain }) => chain),
    entries.map(({ text }) => text),
  ];
}

function heardIn({ heard, known, entries }: SpaceView): Columns {
  const writers = new Map<Inc, string>();
  for (const entry of entries) {
    const writer = entry.kind === 'change' ? writerIn(entry) : null;
    if (writer) writers.set(incOf(entry.dot!), JSON.stringify(writer));
  }
  const incs = [...heard];
  const all = incs.map((inc) => known.get(inc)!);
  return [
    incs,
    all.map(({ seq }) => seq),
    all.map(({ owner }) => owner),
    all.map(({ voids }) => (voids ? JSON.stringify(voids) : null)),
    incs.map((inc) => writers.get(inc) ?? null),
  ];
}

/** What the new texts take; records that were there before are counted by the statement. */
function bytesIn({ entries }: SpaceView, [, , states]: Columns): number {
  const texts = [...entries.map(({ text }) => text), ...(states as readonly string[])];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
}

/** Settles the view. */
function recordsOf(view: SpaceView): Columns {
  const records: readonly SettledRecord[] = settle(view);
  const deaths = records.map(({ c, id }) => deathOf(id, view.records.get(spaceKey(c, id))!));
  return [
    records.map(({ c }) => c),
    records.map(({ id }) => id),
    records.map(({ text }) => text),
    records.map(({ digest }) => JSON.stringify(digest)),
    deaths.map((stamp) => stamp?.[0] ?? null),
    deaths.map((stamp) => stamp?.[1] ?? null),
  ];
}

type FactRow =
  | {
      readonly is_writer: true;
      readonly a: Inc;
      readonly b: null;
      readonly n: number;
      readonly c: string | null;
      readonly d: string | null;
    }
  | {
      readonly is_writer: false;
      readonly a: string;
      readonly b: string;
      readonly n: number;
      readonly c: string;
      readonly d: string;
    };

interface HashRow {
  readonly inc: Inc;
  readonly seq: number;
  readonly hash: string;
}

interface StampRow {
  readonly lsn: number;
  readonly sid: Sid;
  readonly n: number;
}

interface DeadRow {
  readonly collection: string;
  readonly id: string;
  readonly state: string;
}

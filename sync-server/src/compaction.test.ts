/**
 * Logs are cut and deletes forgotten all the time while devices catch up, break off, come back and others write: on the
 * real storage, over real sockets. What a device ends with must be what everybody else has, whichever way it came.
 */
import {
  applyRecordChange,
  createRecord,
  digestOfRecord,
  digestText,
  EMPTY_DIGEST,
  exchange,
  incOf,
  recordFromJson,
  seqOf,
  type Change,
  type Digest,
  type Inc,
  type LogEntry,
  type RecordState,
  type ServerMessage,
  type SnapshotRecord,
  type VersionVector,
} from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from './device.fixture.ts';
import { startServer } from './server.fixture.ts';

const WRITERS = 4;
const READERS = 12;
const PUSHES = 50;
/** A digest over everything is a lot of work. */
const PAGES_PER_DIGEST = 8;

/** Makes records, edits them and deletes most of them, each writer its own. */
function* work(writer: TestWriter): Generator<readonly Change[]> {
  for (let i = 0; i < PUSHES; i++) {
    const at = Date.now();
    // The form of a generated id: its tombstone may be forgotten.
    const id = `0198f0c1-6b7a-7c3e-9a51-${Buffer.from(writer.inc.slice(0, 2)).toString('hex')}${String(i).padStart(8, '0')}`;
    const made = writer.next({ recs: [{ c: 'notes', id, rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }] });
    const ops = [{ t: 'set', p: 'title', v: `of ${at}`, pred: [] }] as const;
    const edited = writer.next({ recs: [{ c: 'notes', id, rv: [made.dot], ops }] });
    const dead = [{ t: 'life', v: 'dead', pred: [made.dot] }] as const;
    const again = [{ t: 'set', p: 'title', v: 'kept', pred: [edited.dot] }] as const;
    const last = writer.next({ recs: [{ c: 'notes', id, rv: [edited.dot], ops: i % 4 === 0 ? again : dead }] });
    yield [made, edited, last];
  }
}

/** What a device keeps, checked at every step. */
class Reader {
  cursor: VersionVector = {};
  readonly known = new Map<Inc, number>();
  snapshots = 0;
  resumed = 0;
  readonly #writers: readonly Inc[];
  #records = new Map<string, RecordState>();
  #partial: { readonly id: string; readonly records: SnapshotRecord[]; next: number } | null = null;
  #pages = 0;

  constructor(writers: readonly Inc[]) {
    this.#writers = writers;
  }

  /** Connects and takes in so many messages, or what comes before it is sent away. */
  async session(url: string, messages: number, isDone: () => boolean): Promise<void> {
    const resume = this.#partial ? { resume: { id: this.#partial.id, next: this.#partial.next } } : {};
    const device = await TestDevice.open(url);
    device.hello({ cursor: this.cursor, writers: this.#writers, ...resume });
    try {
      for (let i = 0; i < messages && !isDone(); i++) {
        await device.until(() => device.messages.length > i);
        this.#take(device.messages[i]!, device);
      }
    } catch (failure) {
      // It was so slow that what comes next is gone.
      if (!(failure instanceof Error && failure.message.startsWith('closed while waiting'))) throw failure;
    } finally {
      device.socket.terminate();
      await device.closed;
    }
  }

  get total(): number {
    return [...this.known.values()].reduce((sum, seq) => sum + seq, 0);
  }

  get digest(): string {
    return digestOf(this.#records);
  }

  #take(message: ServerMessage, device: TestDevice): void {
    switch (message.type) {
      case 'welcome':
        if (message.bootstrap) this.#begin(message.bootstrap);
        return;
      case 'snapshot': {
        const partial = this.#partial!;
        expect([message.id, message.piece]).toEqual([partial.id, partial.next]);
        partial.records.push(...message.records);
        partial.next++;
        device.send({ type: 'staged', id: message.id, piece: message.piece });
        if (partial.next === device.welcome.bootstrap!.pieces) this.#goOver(device.welcome.bootstrap!, partial.records);
        return;
      }
      case 'page':
        for (const entry of message.entries) this.#apply(entry);
        expect(this.cursor).toEqual(message.cursor);
        if (message.digest !== undefined && ++this.#pages % PAGES_PER_DIGEST === 0)
          expect(this.digest).toBe(message.digest);
        return device.applied(message.cursor);
      default:
    }
  }

  #begin({ id, from }: { readonly id: string; readonly from: number }): void {
    const isResumed = this.#partial?.id === id && from > 0;
    expect(from).toBe(isResumed ? this.#partial!.next : 0);
    if (isResumed) this.resumed++;
    else this.#partial = { id, records: [], next: 0 };
  }

  #goOver(
    { cursor, known, digest }: NonNullable<TestDevice['welcome']['bootstrap']>,
    records: readonly SnapshotRecord[],
  ): void {
    for (const [sid, n] of Object.entries(this.cursor)) expect(cursor[sid]).toBeGreaterThanOrEqual(n);
    for (const [inc, seq] of Object.entries(known)) {
      expect(seq).toBeGreaterThanOrEqual(this.known.get(inc) ?? 0);
      this.known.set(inc, seq);
    }
    this.#records = new Map(records.map(({ id, state }) => [id, recordFromJson(state)]));
    expect(this.digest).toBe(digest);
    this.cursor = cursor;
    this.#partial = null;
    this.snapshots++;
  }

  /** Never behind a gap. */
  #apply(entry: LogEntry): void {
    const [sid, n] = entry.stamp;
    expect(n).toBe((this.cursor[sid] ?? 0) + 1);
    this.cursor = { ...this.cursor, [sid]: n };
    if (!('change' in entry) || !entry.change) return;
    const { dot, hlc, recs } = entry.change;
    expect(seqOf(dot)).toBe((this.known.get(incOf(dot)) ?? 0) + 1);
    this.known.set(incOf(dot), seqOf(dot));
    for (const rec of recs) {
      const state = this.#records.get(rec.id) ?? createRecord();
      applyRecordChange(state, { dot, hlc }, rec, entry.stamp);
      this.#records.set(rec.id, state);
    }
  }
}

function digestOf(records: ReadonlyMap<string, RecordState>): string {
  const sum = [...records].reduce<Digest>(
    (digest, [id, state]) => exchange(digest, EMPTY_DIGEST, digestOfRecord('notes', id, state)),
    EMPTY_DIGEST,
  );
  return digestText(sum);
}

describe('compaction', { timeout: 120_000 }, () => {
  it('[RTN1] while devices catch up and others write: never a gap, never half a snapshot, and all end with the same', async () => {
    await using server = await startServer({
      maintenanceMs: 2,
      retention: { logMs: 200, tombstoneMs: 100 },
      limits: { entriesPerPage: 5, recordsPerPiece: 10 },
    });
    const writers = Array.from({ length: WRITERS }, (_, i) => new TestWriter(`w${i}`));
    const incs = writers.map(({ inc }) => inc);
    const readers = Array.from({ length: READERS }, () => new Reader(incs));
    const writing = Promise.all(
      writers.map(async (writer) => {
        const device = await TestDevice.connect(server.url);
        for (const changes of work(writer)) expect(await device.push(...changes)).not.toHaveProperty('refused');
        await device.close();
      }),
    );
    const all = WRITERS * PUSHES * 3;
    await Promise.all(
      readers.map(async (reader, i) => {
        // Some come often and leave soon, some stay.
        for (let session = 0; reader.total < all; session++)
          await reader.session(server.url, 2 + ((i * 7 + session * 3) % 23), () => reader.total === all);
      }),
    );
    await writing;
    // Whatever the server has said of itself meanwhile.
    const last = new Reader(incs);
    while (last.total < all) await last.session(server.url, 1_000, () => last.total === all);
    for (const reader of [...readers, last]) {
      expect(Object.fromEntries(reader.known)).toEqual(Object.fromEntries(incs.map((inc) => [inc, PUSHES * 3])));
      expect(reader.digest).toBe(last.digest);
    }
    const sum = (count: (reader: Reader) => number): number => readers.reduce((total, each) => total + count(each), 0);
    expect(sum(({ snapshots }) => snapshots)).toBeGreaterThan(READERS);
    expect(sum(({ resumed }) => resumed)).toBeGreaterThan(0);
    const compacted = server.logs.filter(({ event }) => event === 'compacted');
    expect(compacted.length).toBeGreaterThan(10);
    expect(compacted.some(({ records }) => (records as number) > 0)).toBe(true);
    expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

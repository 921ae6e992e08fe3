/** What every storage of a device promises to the engine: what is applied is applied whole and once, what is unsent stays. */
import { hashOfChange, withoutDependencies, type Change } from '../core/change.ts';
import { digestOfRecord, digestText } from '../core/digest.ts';
import { applyRecordChange } from '../core/apply.ts';
import { recordToJson } from '../core/record-json.ts';
import { createRecord } from '../core/record.ts';
import { incOf } from '../core/dot.ts';
import { foundTopology } from '../core/topology.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import type { Bootstrap, LogEntry, Page, Snapshot } from '../protocol/messages.ts';
import type { DeviceStore, OutboxItem } from '../store/device-store.ts';
import { hold, type ContractCase } from './contract.ts';

/** A new, empty device with a collection `notes`: `title` asks, `likes` is a counter. */
export interface StoreSubject {
  readonly store: DeviceStore;
  /** A local write of one row in `notes`; durable when it resolves. */
  write(row: { readonly id: string; readonly title: string; readonly likes: number }): Promise<void>;
  /** What an app reads. */
  read(id: string): Promise<{ readonly title?: unknown; readonly likes?: unknown } | undefined>;
}

const SID = 'contract-00';
const PEER = 'peer____________';
const FOUNDERS = [SID];
const ALL = { changes: 1_000, bytes: 1_000_000_000 };

/** A peer's note number `n`, with one like. */
function noteOfPeer(n: number): Change {
  const ops: Change['recs'][number]['ops'] = [
    { t: 'life', v: 'live', pred: [] },
    { t: 'set', p: 'title', v: `peer ${n}`, pred: [] },
    { t: 'inc', p: 'likes#c', n: 1 },
  ];
  return { dot: `${PEER}.${n}`, hlc: n, recs: [{ c: 'notes', id: `p${n}`, rv: [], ops }] };
}

/** A page of a log that has these changes, from the first or a later one on. */
function pageOf(log: readonly Change[], from = 0, to = log.length): Page {
  const entries = log
    .slice(from, to)
    .map((change, i): LogEntry => ({ stamp: [SID, from + i + 1], dot: change.dot, change }));
  return { type: 'page', entries, cursor: { [SID]: to }, head: { [SID]: log.length } };
}

async function outboxOf({ store }: StoreSubject): Promise<readonly OutboxItem[]> {
  return store.readOutbox(null, ALL);
}

async function isShown(subject: StoreSubject, id: string, title: string, likes: number): Promise<boolean> {
  const row = await subject.read(id);
  return row?.title === title && row.likes === likes;
}

/** A snapshot with one note, after one entry of the log. */
function snapshotOf(change: Change): { readonly bootstrap: Bootstrap; readonly piece: Snapshot } {
  const [rec] = change.recs;
  const record = createRecord();
  applyRecordChange(record, { dot: change.dot, hlc: change.hlc }, rec!, [SID, 1]);
  const bootstrap: Bootstrap = {
    id: 'contract',
    why: 'truncated',
    cursor: { [SID]: 1 },
    chain: {},
    topology: foundTopology(FOUNDERS),
    digest: digestText(digestOfRecord(rec!.c, rec!.id, record)),
    known: {},
    pieces: 1,
    records: 1,
    from: 0,
  };
  const records = [{ c: rec!.c, id: rec!.id, state: recordToJson(record) }];
  return { bootstrap, piece: { type: 'snapshot', id: 'contract', piece: 0, records, writers: [], recent: [] } };
}

/** Two edits of the peer's note, of which the second names the first, and a note that names neither. */
async function writeThree(subject: StoreSubject): Promise<{ readonly withdrawn: Change; readonly inc: string }> {
  for (const title of ['first', 'second']) await subject.write({ id: 'p1', title, likes: 1 });
  await subject.write({ id: 'n1', title: 'other', likes: 0 });
  const { change } = (await outboxOf(subject))[0]!;
  const { dot, hlc, writer } = change;
  const withdrawn = { dot, hlc, ...(writer ? { writer } : {}), was: hashOfChange(change), recs: [] };
  return { withdrawn, inc: incOf(dot) };
}

async function expectTakenBack(subject: StoreSubject): Promise<void> {
  hold(await isShown(subject, 'p1', 'peer 1', 1), 'the row is as it was before, without a sibling');
  hold(await isShown(subject, 'n1', 'other', 0), 'what names none of it stays');
  const left = (await outboxOf(subject)).map(({ change }) => change.recs.length).join();
  hold(left === '0,1', 'the edit that names it keeps its place, empty, and the other goes on');
}

export const storeContract: readonly ContractCase<StoreSubject>[] = [
  {
    name: 'a page is applied, and its cursor is told by the next hello',
    async run(subject) {
      const log = [noteOfPeer(1), noteOfPeer(2)];
      const result = await subject.store.ingest(pageOf(log), FOUNDERS);
      hold(result.type === 'ingested' && result.applied === 2, 'new changes are counted');
      hold(await isShown(subject, 'p2', 'peer 2', 1), 'what was applied is shown');
      hold((await subject.store.readIdentity()).cursor[SID] === 2, 'the cursor moves with the rows');
    },
  },
  {
    name: 'a page that comes twice, or overlaps another, has its effect once',
    async run(subject) {
      const log = [1, 2, 3].map(noteOfPeer);
      for (const page of [pageOf(log, 0, 2), pageOf(log, 0, 2), pageOf(log, 1, 3)])
        hold((await subject.store.ingest(page, FOUNDERS)).type === 'ingested', 'what is known is skipped');
      for (const n of [1, 2, 3]) hold(await isShown(subject, `p${n}`, `peer ${n}`, 1), 'a counter counts once');
    },
  },
  {
    name: 'a page that does not continue the cursor changes nothing',
    async run(subject) {
      const log = [1, 2, 3].map(noteOfPeer);
      hold((await subject.store.ingest(pageOf(log, 1), FOUNDERS)).type === 'out-of-step', 'a gap is refused');
      hold((await subject.read('p2')) === undefined, 'nothing of it is shown');
      hold((await subject.store.readIdentity()).cursor[SID] === undefined, 'the cursor stays');
    },
  },
  {
    name: 'the outbox has whole changes in the order in which they were written',
    async run(subject) {
      for (const i of [1, 2, 3]) await subject.write({ id: `n${i}`, title: `${i}`, likes: 0 });
      const items = await outboxOf(subject);
      hold(items.map(({ change }) => change.recs[0]!.id).join() === 'n1,n2,n3', 'the oldest comes first');
      const [second] = await subject.store.readOutbox(items[0]!.position, { changes: 1, bytes: 1 });
      hold(second?.change.dot === items[1]!.change.dot, 'it goes on behind a position, at least one at a time');
      const { writers } = await subject.store.readIdentity();
      hold(writers.length === 1 && items[0]!.change.dot.startsWith(`${writers[0]}.`), 'hello names the writers');
    },
  },
  {
    name: 'an own change leaves the outbox when it comes back, and counts once',
    async run(subject) {
      await subject.write({ id: 'n1', title: 'mine', likes: 3 });
      const [item] = await outboxOf(subject);
      const change = withoutDependencies(item!.change);
      const bare: Page = { ...pageOf([change]), entries: [{ stamp: [SID, 1], dot: change.dot, hlc: change.hlc }] };
      const result = await subject.store.ingest(bare, FOUNDERS);
      hold(result.type === 'ingested' && result.confirmed === 1, 'it is counted as confirmed');
      hold((await outboxOf(subject)).length === 0, 'it has left the outbox');
      hold(await isShown(subject, 'n1', 'mine', 3), 'it is there as before');
      await subject.store.ingest(pageOf([change]), FOUNDERS);
      hold(await isShown(subject, 'n1', 'mine', 3), 'it has its effect once');
    },
  },
  {
    name: 'what others write applies under what is unsent: nobody sees it go back',
    async run(subject) {
      await subject.store.ingest(pageOf([noteOfPeer(1)]), FOUNDERS);
      await subject.write({ id: 'p1', title: 'mine', likes: 5 });
      const edit: Change = {
        dot: `${PEER}.2`,
        hlc: 2,
        recs: [{ c: 'notes', id: 'p1', rv: [`${PEER}.1`], ops: [{ t: 'inc', p: 'likes#c', n: 10 }] }],
      };
      await subject.store.ingest(pageOf([noteOfPeer(1), edit]), FOUNDERS);
      hold(await isShown(subject, 'p1', 'mine', 15), 'the own title stays, and both have counted');
      hold((await outboxOf(subject)).length === 1, 'what is unsent stays unsent');
    },
  },
  {
    name: 'a correction of the clock keeps order and content',
    async run(subject) {
      for (const i of [1, 2]) await subject.write({ id: `n${i}`, title: `${i}`, likes: 0 });
      const before = (await outboxOf(subject)).map(({ change }) => hashOfChange(change)).join();
      hold((await subject.store.correctClock(null, 1_000_000)).restamped === 2, 'what no server has is stamped anew');
      const after = await outboxOf(subject);
      hold(after.map(({ change }) => hashOfChange(change)).join() === before, 'contents and order stay');
      hold(after[0]!.change.hlc < after[1]!.change.hlc, 'stamps go up');
    },
  },
  {
    name: 'a change that no server takes is taken back, and what is behind it stays',
    async run(subject) {
      for (const i of [1, 2]) await subject.write({ id: `n${i}`, title: `${i}`, likes: 0 });
      const [first, second] = await outboxOf(subject);
      const result = await subject.store.reject(first!.change.dot, { code: 'FORBIDDEN', message: 'no' });
      hold(result.type === 'taken-back', 'it is taken back');
      hold((await subject.read('n1')) === undefined, 'the row is not shown any more');
      const [empty, other] = await outboxOf(subject);
      hold(empty?.change.dot === first!.change.dot && empty.change.recs.length === 0, 'its place is kept, empty');
      hold(
        canonicalJson(other?.change as unknown as Json) === canonicalJson(second!.change as unknown as Json),
        'what is behind it is as it was',
      );
    },
  },
  {
    name: 'what a copy of the profile took back is taken back with all that names it',
    async run(subject) {
      await subject.store.ingest(pageOf([noteOfPeer(1)]), FOUNDERS);
      const { withdrawn } = await writeThree(subject);
      const result = await subject.store.ingest(pageOf([noteOfPeer(1), withdrawn]), FOUNDERS);
      hold(result.type === 'ingested', 'the page is applied');
      await expectTakenBack(subject);
    },
  },
  {
    name: 'what a copy took back is taken back by a snapshot as well',
    async run(subject) {
      await subject.store.ingest(pageOf([noteOfPeer(1)]), FOUNDERS);
      const { inc } = await writeThree(subject);
      const { bootstrap, piece } = snapshotOf(noteOfPeer(1));
      const told = { ...bootstrap, cursor: { [SID]: 2 }, known: { [inc]: 1 }, voids: { [inc]: [1] } };
      const result = await subject.store.ingestSnapshot(told, piece);
      hold(result.type === 'ingested', 'the device goes over');
      await expectTakenBack(subject);
    },
  },
  {
    name: 'a snapshot takes the place of the log, and what is unsent stays on top',
    async run(subject) {
      await subject.write({ id: 'n1', title: 'mine', likes: 1 });
      const { bootstrap: unasked, piece } = snapshotOf(noteOfPeer(1));
      const early = await subject.store.ingestSnapshot(unasked, piece);
      hold(early.type === 'out-of-step', 'not before its server has told how far it has what is unsent');
      const { writers, resume } = await subject.store.readIdentity();
      hold(resume?.id === unasked.id && resume.next === 0, 'it waits for its last piece again');
      const bootstrap = { ...unasked, known: Object.fromEntries(writers.map((inc) => [inc, 0])) };
      const result = await subject.store.ingestSnapshot(bootstrap, piece);
      hold(result.type === 'ingested' && result.cursor[SID] === 1, 'the last piece goes over to it');
      hold(await isShown(subject, 'p1', 'peer 1', 1), 'what it has is shown');
      hold(await isShown(subject, 'n1', 'mine', 1), 'what was unsent is shown');
      hold((await outboxOf(subject)).length === 1, 'and stays unsent');
      await subject.store.ingest(pageOf([noteOfPeer(1), noteOfPeer(2)], 1), FOUNDERS);
      hold(await isShown(subject, 'p2', 'peer 2', 1), 'the log goes on behind it');
    },
  },
  {
    name: 'a snapshot that is not what it says is refused whole',
    async run(subject) {
      await subject.write({ id: 'n1', title: 'mine', likes: 1 });
      const { bootstrap, piece } = snapshotOf(noteOfPeer(1));
      const { writers } = await subject.store.readIdentity();
      const known = Object.fromEntries(writers.map((inc) => [inc, 0]));
      const result = await subject.store.ingestSnapshot({ ...bootstrap, known, digest: 'f'.repeat(32) }, piece);
      hold(result.type === 'out-of-step', 'its digest is compared');
      hold((await subject.read('p1')) === undefined, 'nothing of it is shown');
      hold(await isShown(subject, 'n1', 'mine', 1), 'what was there stays');
    },
  },
];

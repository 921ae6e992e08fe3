/**
 * What every storage must do, as cases that any test runner can run: `suite.contract.ts` runs them on memory, SQLite and
 * PostgreSQL.
 */
import assert from 'node:assert/strict';
import {
  appendChange,
  appendContent,
  canonicalJson,
  decidePull,
  decidePush,
  DEFAULT_LIMITS,
  dotOf,
  hashOfChange,
  hlcAt,
  incOf,
  newSpaceMeta,
  nextStamp,
  publish,
  recordToJson,
  spaceKey,
  TAIL_LIMITS,
  welcomeMember,
  withoutDependencies,
} from '@skerry/sdk/kernel';
import type {
  Change,
  Dot,
  KnownWriter,
  LogEntry,
  NewEntry,
  Op,
  PreparedPush,
  PullOutcome,
  PushDecision,
  Retention,
  SpaceMeta,
  SpaceView,
  StoredEntry,
} from '@skerry/sdk/kernel';

import { compactStep, type Compacted } from './compact.ts';
import type { Measured, MeasuredPlace, Piece, PinnedSpace, Storage, StorageSource } from './port.ts';
import { questionOfPage, questionOfPushes, questionOfSpace } from './questions.ts';

export interface ContractCase {
  readonly name: string;
  /** Neither source has data yet. */
  run(source: StorageSource, other: StorageSource): Promise<void>;
}

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const RETENTION: Retention = { tombstoneMs: HOUR_MS, logMs: HOUR_MS };
const A = 'AAAAAAAAAAAAAAAA';
const B = 'BBBBBBBBBBBBBBBB';
const ALL = { entries: 1_000, bytes: 1_000_000 };
/** A generated id: its tombstone may be forgotten. */
const ROW = '0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e10';

/** Names that a careless storage would confuse, execute or stumble over. */
const SPACES = ['a', 'A', 'a ', "' OR '1'='1", '%', '_', '__proto__', 'constructor', 'ü', '\u{1f984}', 'x'.repeat(256)];

export const STORAGE_CONTRACT: readonly ContractCase[] = [
  {
    name: '[DB1] an empty storage knows nothing of any space',
    run: (source) =>
      withStorage(source, async (storage) => {
        const meta = newSpaceMeta([storage.sid]);
        const look = await storage.look('a', { writers: [A], cursor: {} });
        assert.deepEqual(look, { meta, known: new Map(), chain: {}, position: 0 });
        assert.deepEqual(await storage.read('a', 0, ALL), []);
        assert.deepEqual(await storage.spaces(null, 9), []);
        const [view] = await storage.transact(['a'], (transaction) =>
          transaction.views([{ space: 'a', incs: [A], dots: [dotOf(A, 1)], records: [{ c: 'notes', id: ROW }] }]),
        );
        assert.deepEqual([view!.meta, view!.known, view!.hashes, view!.records], [meta, ...EMPTY_MAPS]);
        const pinned = await storage.pin('a', DEFAULT_LIMITS);
        assert.deepEqual(await pinned.piece(0), { records: [], writers: [], recent: [] });
        assert.deepEqual([pinned.meta, pinned.pieces, pinned.records], [meta, 1, 0]);
        pinned.release();
      }),
  },
  {
    name: '[DB2] what was appended is read in order, with its facts',
    run: (source) =>
      withStorage(source, async (storage) => {
        const changes = [creation(A, 1), creation(B, 1), creation(A, 2)];
        await push(storage, 'a', [changes[0]!], 'ada');
        await push(storage, 'a', [changes[1]!]);
        await push(storage, 'a', [changes[2]!], 'ada');
        const { sid } = storage;
        const entries = await storage.read('a', 0, ALL);
        assert.deepEqual(
          entries.map(({ lsn, stamp, kind, dot, text }) => ({ lsn, stamp, kind, dot, change: JSON.parse(text!) })),
          changes.map((change, i) => ({ lsn: i + 1, stamp: [sid, i + 1], kind: 'change', dot: change.dot, change })),
        );
        const look = await storage.look('a', { writers: [A, B, 'CCCCCCCCCCCCCCCC'], cursor: { [sid]: 2 } });
        const known = new Map([
          [A, { seq: 2, owner: 'ada' }],
          [B, { seq: 1, owner: null }],
        ]);
        assert.deepEqual(plain(look.known), known);
        assert.deepEqual([look.meta.lsn, look.meta.cursor, look.position], [3, { [sid]: 3 }, 2]);
        assert.deepEqual(look.chain, { [sid]: entries[1]!.chain });
        const atEnd = await storage.look('a', { writers: [], cursor: { [sid]: 3, other______: 1 } });
        assert.deepEqual([atEnd.chain, atEnd.position], [{ [sid]: look.meta.chain[sid] }, 3]);
        const question = { space: 'a', incs: [B], dots: [dotOf(A, 2), dotOf(A, 3)], records: [] };
        const [view] = await storage.transact(['a'], (transaction) => transaction.views([question]));
        assert.deepEqual(view!.meta, look.meta);
        assert.deepEqual(plain(view!.known), new Map([[B, { seq: 1, owner: null }]]));
        assert.deepEqual(view!.hashes, new Map([[dotOf(A, 2), hashOfChange(changes[2]!)]]));
      }),
  },
  {
    name: '[DB19] which changes of a writer are here without their content is kept with it, longer than the log, until that has come',
    run: (open) =>
      withStorage(open, async (storage) => {
        const [original] = many(A, 1);
        const { dot, hlc } = original!;
        const prepared = { change: original!, hash: hashOfChange(original!), text: textOf(original!) };
        await push(storage, 'a', [{ dot, hlc, was: prepared.hash, recs: [] }]);
        await storage.transact(['a'], (transaction) => transaction.cut('a', { [storage.sid]: 1 }, 10));
        const question = { space: 'a', incs: [A], dots: [dot], records: [{ c: 'notes', id: 'n' }] };
        await storage.transact(['a'], async (transaction) => {
          const [view] = await transaction.views([question]);
          assert.deepEqual(plain(view!.known), new Map([[A, { seq: 1, owner: null, voids: [1] }]]));
          appendContent(view!, ['other______', 1], prepared);
          await transaction.save('a', view!);
        });
        const { known } = await storage.look('a', { writers: [A], cursor: {} });
        assert.deepEqual(plain(known), new Map([[A, { seq: 1, owner: null }]]));
        const [entry] = await storage.read('a', 1, ALL);
        assert.deepEqual([entry!.kind, entry!.dot, entry!.text], ['alias', dot, prepared.text]);
      }),
  },
  {
    name: '[MTR8] a space is counted in parts: every row once, with the bytes of its text',
    run: (source, other) =>
      withStorage(source, (storage) =>
        withStorage(other, async (again) => {
          assert.deepEqual(await countedIn(storage, 'a', 2), { rows: 0, records: 0, bytes: 0 });
          for (const each of [storage, again]) {
            await push(each, 'a', [...inRecords(A, 1, 7), edit(A, 8, 'ü'.repeat(99), 'r-003')]);
            await push(each, 'b', [creation(B, 1)]);
          }
          const whole = await countedIn(storage, 'a', 100);
          assert.deepEqual([whole.rows, whole.records], [15, 7]);
          const logged = (await storage.read('a', 0, ALL)).map(({ text }) => Buffer.byteLength(text!));
          const records = await recordsOf(storage, 'a');
          const kept = records.map(({ c, id, state }) => Buffer.byteLength(c + id + JSON.stringify(state)));
          assert.equal(
            whole.bytes,
            [...logged, ...kept].reduce((sum, bytes) => sum + bytes, 0),
          );
          for (const max of [1, 2, 7, 8]) assert.deepEqual(await countedIn(again, 'a', max), whole);
        }),
      ),
  },
  {
    name: '[DB3] reading stops at the number of entries or of bytes, but gives at least one entry',
    run: (source) =>
      withStorage(source, async (storage) => {
        const length = Buffer.byteLength(textOf(creation(A, 1, { label: 'ü'.repeat(49) })));
        await push(storage, 'a', many(A, 4, { label: 'ü'.repeat(49) }));
        const read = async (after: number, entries: number, bytes: number): Promise<readonly number[]> =>
          (await storage.read('a', after, { entries, bytes })).map(({ lsn }) => lsn);
        assert.deepEqual(await read(0, 2, 9_000), [1, 2]);
        assert.deepEqual(await read(1, 9, 2 * length), [2, 3]);
        assert.deepEqual(await read(1, 9, 2 * length - 1), [2]);
        assert.deepEqual(await read(1, 9, 1), [2]);
        assert.deepEqual(await read(4, 9, 1), []);
      }),
  },
  {
    name: '[DB4] spaces do not know of each other, whatever they are called',
    run: (source) =>
      withStorage(source, async (storage) => {
        for (const space of SPACES) await push(storage, space, [creation(A, 1, { label: space })]);
        for (const space of SPACES) {
          const entries = await storage.read(space, 0, ALL);
          assert.deepEqual(
            entries.map(({ lsn, text }) => [lsn, (JSON.parse(text!) as Change).label]),
            [[1, space]],
          );
          assert.equal((await recordsOf(storage, space)).length, 1);
        }
        const names: string[] = [];
        for (let page = await storage.spaces(null, 3); page.length > 0; page = await storage.spaces(names.at(-1)!, 3)) {
          assert.ok(page.length <= 3);
          names.push(...page);
        }
        assert.deepEqual([...names].sort(), [...SPACES].sort());
      }),
  },
  {
    name: '[DB5] a transaction that fails leaves nothing behind, and the next one works',
    run: (source) =>
      withStorage(source, async (storage) => {
        await push(storage, 'a', [creation(A, 1)]);
        const before = [await contentOf(storage, 'a'), await contentOf(storage, 'b')];
        const failing = storage.transact(['a', 'b'], async (transaction) => {
          for (const [space, inc, seq] of [['a', A, 2] as const, ['b', B, 1] as const]) {
            const [view] = await transaction.views([questionOfPushes(space, [pushOf([creation(inc, seq)])])]);
            append(view!, creation(inc, seq));
            await transaction.save(space, view!);
          }
          await transaction.cut('a', { [storage.sid]: 1 }, 9);
          throw new Error('on purpose');
        });
        await assert.rejects(failing, /on purpose/);
        assert.deepEqual([await contentOf(storage, 'a'), await contentOf(storage, 'b')], before);
        await push(storage, 'a', [creation(A, 2)]);
        assert.deepEqual(
          (await storage.read('a', 0, ALL)).map(({ lsn }) => lsn),
          [1, 2],
        );
      }),
  },
  {
    name: '[DB6] a change twice, or a number out of order, fails as a whole',
    run: (source) =>
      withStorage(source, async (storage) => {
        await push(storage, 'a', [creation(A, 1)]);
        const before = await contentOf(storage, 'a');
        const twice = (...changes: readonly Change[]): Promise<void> =>
          write(storage, 'a', (view) => changes.forEach((change) => append(view, change)));
        const numbered = (by: number): Promise<void> =>
          write(storage, 'a', (view) => {
            append(view, creation(B, 1));
            view.meta = { ...view.meta, lsn: view.meta.lsn + by };
            const [entry] = view.entries;
            view.entries.splice(0, 1, { ...entry!, lsn: entry!.lsn + by } satisfies NewEntry);
          });
        await assert.rejects(twice(creation(B, 1), creation(A, 1)));
        await assert.rejects(twice(creation(B, 1), creation(B, 1)));
        await assert.rejects(numbered(1));
        await assert.rejects(numbered(-1));
        assert.deepEqual(await contentOf(storage, 'a'), before);
        await push(storage, 'b', [creation(A, 1)]);
      }),
  },
  {
    name: '[DB7] transactions run one after the other: a number read in one is not given to another',
    run: (source) =>
      withStorage(source, async (storage) => {
        const writers = Array.from({ length: 20 }, (_, i) => `${String(i).padStart(2, '0')}${'W'.repeat(14)}`);
        await Promise.all(writers.map((inc) => push(storage, 'a', [creation(inc, 1)])));
        const entries = await storage.read('a', 0, ALL);
        assert.deepEqual(
          entries.map(({ lsn, stamp }) => [lsn, stamp[1]]),
          writers.map((_, i) => [i + 1, i + 1]),
        );
      }),
  },
  {
    name: '[DB8] what is being written is not read before it is durable',
    run: (source) =>
      withStorage(source, async (storage) => {
        const before = await contentOf(storage, 'a');
        await storage.transact(['a'], async (transaction) => {
          const [view] = await transaction.views([questionOfSpace('a')]);
          append(view!, creation(A, 1));
          await transaction.save('a', view!);
          assert.deepEqual(await contentOf(storage, 'a'), before);
        });
        assert.equal((await storage.read('a', 0, ALL)).length, 1);
        assert.equal((await recordsOf(storage, 'a')).length, 1);
      }),
  },
  {
    name: '[DB9] opened again, it is the same server with the same data',
    run: async (source) => {
      const before = await withStorage(source, async (storage) => {
        await push(storage, 'a', [creation(A, 1)]);
        return { sid: storage.sid, content: await contentOf(storage, 'a') };
      });
      await withStorage(source, async (storage) => {
        assert.match(storage.sid, /^[A-Za-z0-9_-]{11}$/);
        assert.deepEqual({ sid: storage.sid, content: await contentOf(storage, 'a') }, before);
      });
    },
  },
  {
    name: '[DB11] a record is kept as the changes have made it, and given to who asks for it',
    run: (source) =>
      withStorage(source, async (storage) => {
        await push(storage, 'a', [creation(A, 1), edit(B, 1, 'one'), edit(A, 2, 'two')]);
        const names = [
          { c: 'notes', id: ROW },
          { c: 'notes', id: 'absent' },
          { c: 'other', id: ROW },
        ];
        const question = { ...questionOfSpace('a'), records: names };
        const [view] = await storage.transact(['a'], (transaction) => transaction.views([question]));
        assert.deepEqual([...view!.records.keys()], [spaceKey('notes', ROW)]);
        const record = view!.records.get(spaceKey('notes', ROW))!;
        assert.deepEqual(new Set(record.cells.get('title')!.map(({ v }) => v)), new Set(['one', 'two']));
        assert.equal(record.counters.get('likes#c'), 1);
        assert.deepEqual(await recordsOf(storage, 'a'), [{ c: 'notes', id: ROW, state: recordToJson(record) }]);
        // What is decided on a view is not seen through another one.
        append(view!, edit(B, 2, 'three'));
        const [again] = await storage.transact(['a'], (transaction) => transaction.views([question]));
        assert.deepEqual(again!.records.get(spaceKey('notes', ROW)), record);
      }),
  },
  {
    name: '[DB20] it tells how much a space takes: the texts of its log and its records, also when they were cut and forgotten',
    run: (source) =>
      withStorage(source, async (storage) => {
        const expectSizes = async (): Promise<number> => {
          const names = (await recordsOf(storage, 'a')).map(({ c, id }) => ({ c, id }));
          const question = { ...questionOfSpace('a'), records: names };
          const [view] = await storage.transact(['a'], (transaction) => transaction.views([question]));
          const log = await storage.read('a', 0, ALL);
          const logBytes = log.reduce((sum, { text }) => sum + Buffer.byteLength(text ?? ''), 0);
          const sizes = new Map(
            [...view!.records].map(([key, record]) => {
              const text = canonicalJson(recordToJson(record) as never);
              return [key, Buffer.byteLength(text)] as const;
            }),
          );
          assert.deepEqual(view!.sizes, sizes);
          assert.equal(
            view!.bytes,
            [...sizes.values()].reduce((sum, bytes) => sum + bytes, logBytes),
          );
          return view!.bytes;
        };
        assert.equal(await expectSizes(), 0);
        const made = creation(A, 1);
        await push(storage, 'a', [made, edit(B, 1, 'größer \u{1f984}'), ...many(A, 50, {}, 2)]);
        const full = await expectSizes();
        assert.ok(full > 50 * 200, String(full));
        await push(storage, 'a', [remove(A, 52, ROW, made.dot)]);
        await compactAll(storage, 'a', NOW_MS);
        await write(storage, 'a', (view) => assert.ok(publish(view, NOW_MS + HOUR_MS, RETENTION)));
        await compactAll(storage, 'a', NOW_MS + HOUR_MS);
        await compactAll(storage, 'a', NOW_MS + 3 * HOUR_MS);
        assert.ok((await expectSizes()) < full);
        await push(storage, 'b', [creation(B, 1)]);
        assert.ok((await expectSizes()) < full);
      }),
  },
  {
    name: '[DB12] entries of other servers keep their stamps, in the place where they came in',
    run: (source, other) =>
      withStorage(source, (here) =>
        withStorage(other, async (there) => {
          await becomeTwo(here, there);
          await push(here, 'a', [creation(A, 1)]);
          // The same change at both: it has happened once, and its second stamp is an alias.
          await push(there, 'a', [creation(A, 1), creation(B, 1)]);
          assert.equal((await pull(here, 'a', there)).type, 'taken');
          assert.equal((await pull(there, 'a', here)).type, 'taken');
          assert.equal((await pull(here, 'a', there)).type, 'taken');
          const [one, other] = [here.sid, there.sid];
          const words = [`${one} control`, `${one} change`, `${other} control`, `${other} alias`, `${other} change`];
          assert.deepEqual(await wordsOf(here, 'a'), words);
          const [mine, theirs] = await Promise.all([here, there].map((storage) => contentOf(storage, 'a')));
          assert.deepEqual(mine!.records, theirs!.records);
          assert.deepEqual(mine!.meta.digest, theirs!.meta.digest);
          assert.deepEqual(mine!.meta.chain, theirs!.meta.chain);
          assert.equal(countOfLikes(mine!.records), 2);
          // A cursor that has all of one server goes on with what it lacks of the other.
          const has = { [here.sid]: mine!.meta.cursor[here.sid]! };
          const { position } = await here.look('a', { writers: [], cursor: has });
          const next = (await here.read('a', position, ALL))[0]!;
          assert.equal(next.stamp[0], there.sid);
          assert.equal(next.stamp[1], 1);
          // A page that does not follow is told.
          const [last] = (await logOf(there, 'a')).slice(-1);
          const skipping = { ...last!, stamp: [there.sid, 99] as const };
          assert.equal((await takePage(here, 'a', [skipping])).type, 'out-of-step');
        }),
      ),
  },
  {
    name: '[DB13] a pinned space is as it was, whatever is written to it or cut from it, and its pieces are within the limits',
    run: (source) =>
      withStorage(source, async (storage) => {
        const writer = { device: { id: 'd', name: 'laptop' } };
        await push(storage, 'a', [creation(A, 1, { writer, id: 'r-001' }), ...inRecords(A, 2, 30)]);
        const before = await contentOf(storage, 'a');
        const pinned = await storage.pin('a', { ...DEFAULT_LIMITS, recordsPerPiece: 7 });
        await push(storage, 'a', [...inRecords(B, 1, 40), creation(A, 31)]);
        await compactAll(storage, 'a', NOW_MS);
        await compactAll(storage, 'a', NOW_MS + 3 * HOUR_MS);
        assert.deepEqual(await storage.read('a', 0, ALL), []);
        assert.deepEqual(pinned.meta, before.meta);
        assert.deepEqual([pinned.records, pinned.pieces], [30, 6]);
        assert.deepEqual(plain(await pinned.known([A, B])), new Map([[A, { seq: 30, owner: null }]]));
        const pieces = await piecesOf(pinned);
        assert.ok(pieces.every(({ records }) => records.length <= 7));
        assert.deepEqual(
          pieces.flatMap(({ records }) => records),
          before.records,
        );
        assert.deepEqual(
          pieces[5]!.recent.map(({ dot }) => dot),
          Array.from({ length: 30 }, (_, i) => dotOf(A, i + 1)),
        );
        assert.deepEqual(await pinned.piece(1), pieces[1]);
        // A writer is described in its first change, which is cut by now.
        assert.deepEqual(pieces[4]!.writers, [{ inc: A, ...writer }]);
        pinned.release();
        pinned.release();
      }),
  },
  {
    name: '[DB14] a pinned space has the changes that not every server has',
    run: (source, other) =>
      withStorage(source, (here) =>
        withStorage(other, async (there) => {
          await becomeTwo(here, there);
          await push(here, 'a', [creation(A, 1), creation(A, 2), creation(A, 3)]);
          await push(there, 'a', [creation(B, 1)]);
          await pull(here, 'a', there);
          await write(here, 'a', (view) => assert.ok(publish(view, NOW_MS, RETENTION)));
          // Nobody has heard of the first three at the other server; the fourth both have.
          const pinned = await here.pin('a', { ...DEFAULT_LIMITS, entriesPerPage: 2 });
          const pieces = await piecesOf(pinned);
          const recent = pieces.flatMap((piece) => piece.recent);
          assert.deepEqual(
            recent.map(({ dot }) => dot),
            [dotOf(A, 1), dotOf(A, 2), dotOf(A, 3)],
          );
          assert.deepEqual(recent[0]!.change, creation(A, 1));
          assert.deepEqual(
            pieces.map((piece) => piece.recent.length),
            [0, 2, 1],
          );
          pinned.release();
        }),
      ),
  },
  {
    name: '[DB14] a pinned space of a single server has what no backup is known to hold, the newest, as much as a tail takes',
    run: (source) =>
      withStorage(source, async (storage) => {
        const count = TAIL_LIMITS.entries + 5;
        await push(storage, 'a', inRecords(A, 1, count));
        const dots = async (): Promise<readonly Dot[]> => {
          const pinned = await storage.pin('a', { ...DEFAULT_LIMITS, entriesPerPage: 700 });
          const pieces = await piecesOf(pinned);
          pinned.release();
          assert.ok(pieces.every((piece) => piece.recent.length <= 700));
          return pieces.flatMap((piece) => piece.recent.map(({ dot }) => dot));
        };
        const all = Array.from({ length: count }, (_, i) => dotOf(A, i + 1));
        assert.deepEqual(await dots(), all.slice(5));
        const safe = { [storage.sid]: count - 2 };
        await write(storage, 'a', (view) => assert.ok(publish(view, NOW_MS, RETENTION, safe)));
        await push(storage, 'a', [creation(B, 1)]);
        assert.deepEqual(await dots(), [...all.slice(-2), dotOf(B, 1)]);
      }),
  },
  {
    name: '[DB15] a log is cut from its begin, in small steps; who it has heard of and what it led to stays',
    run: (source) =>
      withStorage(source, async (storage) => {
        const { sid } = storage;
        await push(storage, 'a', many(A, 500));
        await push(storage, 'a', many(A, 300, {}, 501));
        const before = await contentOf(storage, 'a');
        await compactAll(storage, 'a', NOW_MS);
        await push(storage, 'a', [creation(B, 1)]);
        const step = await compactStep(storage, 'a', NOW_MS + 2 * HOUR_MS, RETENTION);
        assert.deepEqual(step, { entries: 500, records: 0, isDone: false });
        assert.deepEqual((await storage.look('a', { writers: [], cursor: {} })).meta.truncated, { [sid]: 500 });
        assert.deepEqual(await compactAll(storage, 'a', NOW_MS + 2 * HOUR_MS), { entries: 300, records: 0 });
        assert.deepEqual(
          (await storage.read('a', 0, ALL)).map(({ lsn }) => lsn),
          [801],
        );
        const look = await storage.look('a', { writers: [A], cursor: { [sid]: 800 } });
        assert.deepEqual([look.meta.lsn, look.meta.truncated, look.position], [801, { [sid]: 800 }, 800]);
        assert.deepEqual(plain(look.known), new Map([[A, { seq: 800, owner: null }]]));
        assert.equal((await recordsOf(storage, 'a')).length, before.records.length);
        // Its content is forgotten, and it is a duplicate all the same.
        assert.deepEqual(await push(storage, 'a', [creation(A, 800)]), { known: { [A]: 800 }, accepted: [] });
        await push(storage, 'a', [creation(A, 801)]);
        assert.deepEqual(
          (await storage.read('a', 801, ALL)).map(({ lsn }) => lsn),
          [802],
        );
      }),
  },
  {
    name: '[DB16] deleted records are forgotten where every server has promised it, others are not, and the digest stays',
    run: (source) =>
      withStorage(source, async (storage) => {
        const { sid } = storage;
        const ids = [ROW, ROW.replace('10', '20'), ROW.replace('10', '30'), 'chosen'];
        const made = ids.map((id, i) => creation(A, i + 1, { id }));
        await push(storage, 'a', made);
        await push(storage, 'a', [
          ...[0, 1, 3].map((i, k) => remove(A, 5 + k, ids[i]!, made[i]!.dot)),
          // Deleted here and edited there by somebody who had not seen it: nobody has decided yet.
          edit(B, 1, 'still wanted', ids[1]!),
        ]);
        await compactAll(storage, 'a', NOW_MS);
        await push(storage, 'a', [remove(A, 8, ids[2]!, made[2]!.dot)]);
        const publishAt = (nowMs: number): Promise<void> =>
          write(storage, 'a', (view) => assert.ok(publish(view, nowMs, RETENTION)));
        await publishAt(NOW_MS + HOUR_MS);
        const before = await contentOf(storage, 'a');
        assert.deepEqual(before.meta.topology.members[sid]!.horizon, { [sid]: 8 });
        const { records } = await compactAll(storage, 'a', NOW_MS + HOUR_MS);
        assert.equal(records, 1);
        const after = await contentOf(storage, 'a');
        assert.deepEqual(after.records.map(({ id }) => id).sort(), ids.slice(1).sort());
        assert.deepEqual(after.meta.digest, before.meta.digest);
        assert.equal((await push(storage, 'a', [edit(B, 2, 'too late', ROW)])).refused?.code, 'GONE');
        assert.equal((await compactAll(storage, 'a', NOW_MS + HOUR_MS)).records, 0);
        await publishAt(NOW_MS + 3 * HOUR_MS);
        assert.equal((await compactAll(storage, 'a', NOW_MS + 3 * HOUR_MS)).records, 1);
      }),
  },
  {
    name: '[DB17] after a takeover it is another server, the old one is written off in every space, and no number is used twice',
    run: async (source) => {
      const sids = await withStorage(source, async (storage) => {
        const old = storage.sid;
        for (const space of ['a', 'b']) await push(storage, space, [creation(A, 1)]);
        await storage.takeOver();
        assert.notEqual(storage.sid, old);
        return { old, now: storage.sid };
      });
      await withStorage(source, async (storage) => {
        assert.equal(storage.sid, sids.now);
        for (const space of ['a', 'b', 'new']) {
          await push(storage, space, [creation(B, 1)]);
          const { meta } = await storage.look(space, { writers: [], cursor: {} });
          assert.deepEqual(Object.keys(meta.topology.members), [sids.now]);
          assert.deepEqual(meta.topology.evicted, space === 'new' ? {} : { [sids.old]: 1 });
        }
        assert.deepEqual((await storage.read('a', 0, ALL)).at(-1)!.stamp, [sids.now, 3]);
      });
    },
  },
];

const EMPTY_MAPS = [new Map(), new Map(), new Map()];

export async function withStorage<T>(source: StorageSource, use: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await source.open();
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

/** Everything that there is of a space. */
export interface SpaceContent {
  readonly meta: SpaceMeta;
  readonly log: readonly StoredEntry[];
  readonly records: Piece['records'];
}

export async function contentOf(storage: Storage, space: string): Promise<SpaceContent> {
  const { meta } = await storage.look(space, { writers: [], cursor: {} });
  return { meta, log: await storage.read(space, 0, ALL), records: await recordsOf(storage, space) };
}

async function countedIn(storage: Storage, space: string, max: number): Promise<Omit<Measured, 'next'>> {
  const sum = { rows: 0, records: 0, bytes: 0 };
  let place: MeasuredPlace | null = null;
  do {
    const part: Measured = await storage.measure!(space, place, max);
    sum.rows += part.rows;
    sum.records += part.records;
    sum.bytes += part.bytes;
    place = part.next;
  } while (place !== null);
  return sum;
}

async function recordsOf(storage: Storage, space: string): Promise<Piece['records']> {
  const pinned = await storage.pin(space, DEFAULT_LIMITS);
  const pieces = await piecesOf(pinned);
  pinned.release();
  return pieces.flatMap(({ records }) => records);
}

async function piecesOf(pinned: PinnedSpace): Promise<readonly Piece[]> {
  const pieces: Piece[] = [];
  for (let i = 0; i < pinned.pieces; i++) pieces.push(await pinned.piece(i));
  return pieces;
}

export async function push(
  storage: Storage,
  space: string,
  changes: readonly Change[],
  owner: string | null = null,
): Promise<PushDecision> {
  const prepared = pushOf(changes, owner);
  return storage.transact([space], async (transaction) => {
    const [view] = await transaction.views([questionOfPushes(space, [prepared])]);
    const decision = decidePush(prepared, view!, { nowMs: NOW_MS, driftMs: 60_000 });
    await transaction.save(space, view!);
    return decision;
  });
}

function pushOf(changes: readonly Change[], owner: string | null = null): PreparedPush {
  const prepared = changes.map((change) => ({
    change,
    hash: hashOfChange(change),
    text: textOf(change),
    isPermitted: true,
  }));
  return { owner, changes: prepared, bad: null, incs: [...new Set(changes.map(({ dot }) => incOf(dot)))] };
}

/** What a server does with a page of another one. */
export async function takePage(storage: Storage, space: string, entries: readonly LogEntry[]): Promise<PullOutcome> {
  return storage.transact([space], async (transaction) => {
    const [view] = await transaction.views([questionOfPage(space, entries)]);
    const outcome = decidePull(entries, view!);
    await transaction.save(space, view!);
    return outcome;
  });
}

async function pull(storage: Storage, space: string, from: Storage): Promise<PullOutcome> {
  return takePage(storage, space, await logOf(from, space));
}

async function logOf(storage: Storage, space: string): Promise<readonly LogEntry[]> {
  return (await storage.read(space, 0, ALL)).map(({ kind, stamp, dot, text }): LogEntry => {
    if (kind === 'control') return { stamp, control: JSON.parse(text!) };
    return kind === 'alias' ? { stamp, dot: dot!, alias: true } : { stamp, dot: dot!, change: JSON.parse(text!) };
  });
}

async function wordsOf(storage: Storage, space: string): Promise<readonly string[]> {
  return (await storage.read(space, 0, ALL)).map(({ stamp, kind }) => `${stamp[0]} ${kind}`);
}

/** Both count as servers of the space `a`; the first entry of each says so. */
async function becomeTwo(here: Storage, there: Storage): Promise<void> {
  await write(here, 'a', (view) => welcomeMember(view, there.sid));
  await write(there, 'a', (view) => welcomeMember(view, here.sid));
}

async function write(storage: Storage, space: string, work: (view: SpaceView) => void): Promise<void> {
  await storage.transact([space], async (transaction) => {
    const [view] = await transaction.views([questionOfSpace(space)]);
    work(view!);
    await transaction.save(space, view!);
  });
}

async function compactAll(storage: Storage, space: string, nowMs: number): Promise<Compacted> {
  let [entries, records] = [0, 0];
  for (;;) {
    const step = await compactStep(storage, space, nowMs, RETENTION);
    entries += step.entries;
    records += step.records;
    if (step.isDone) return { entries, records };
  }
}

function append(view: SpaceView, change: Change): void {
  appendChange(view, nextStamp(view), { change, hash: hashOfChange(change), text: textOf(change) }, null);
}

function textOf(change: Change): string {
  return canonicalJson(withoutDependencies(change) as never);
}

type Rest = Omit<Partial<Change>, 'recs'> & { readonly id?: string };

export function creation(inc: string, seq: number, { id = ROW, ...rest }: Rest = {}): Change {
  const ops: readonly Op[] = [
    { t: 'life', v: 'live', pred: [] },
    { t: 'inc', p: 'likes#c', n: 1 },
  ];
  return changeOf(inc, seq, id, ops, rest);
}

function edit(inc: string, seq: number, title: string, id = ROW): Change {
  return changeOf(inc, seq, id, [{ t: 'set', p: 'title', v: title, pred: [] }]);
}

function remove(inc: string, seq: number, id: string, seen: string): Change {
  const change = changeOf(inc, seq, id, [{ t: 'life', v: 'dead', pred: [seen] }]);
  return { ...change, recs: [{ ...change.recs[0]!, rv: [seen] }] };
}

function changeOf(inc: string, seq: number, id: string, ops: readonly Op[], rest: Partial<Change> = {}): Change {
  return { dot: dotOf(inc, seq), hlc: hlcAt(NOW_MS), ...rest, recs: [{ c: 'notes', id, rv: [], ops }] };
}

function many(inc: string, count: number, rest: Rest = {}, first = 1): readonly Change[] {
  return Array.from({ length: count }, (_, i) => creation(inc, first + i, rest));
}

/** One change for each of the records `r-001`, `r-002` ... from the number of the first change on. */
function inRecords(inc: string, from: number, to: number): readonly Change[] {
  return Array.from({ length: to - from + 1 }, (_, i) =>
    creation(inc, from + i, { id: `r-${String(from + i).padStart(3, '0')}` }),
  );
}

function countOfLikes(records: Piece['records']): number {
  return records.reduce((sum, { state }) => sum + (state.counters?.['likes#c'] ?? 0), 0);
}

/** Rows of a database are objects without a prototype of ours; compared is what they say. */
function plain(known: ReadonlyMap<string, KnownWriter>): ReadonlyMap<string, KnownWriter> {
  return new Map([...known].map(([key, value]) => [key, { ...value }]));
}

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { appendChange, incOf, nextStamp, type Change, type SpaceView, type StoredEntry } from '@skerry/sdk/kernel';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { contentOf as hashAndText } from '../../hub/prepare.ts';
import { contentOf, creation, push } from '../contract.ts';
import type { Hint, Storage, Transaction } from '../port.ts';
import { questionOfPushes } from '../questions.ts';
import { postgres } from './postgres.ts';
import { newSchemas, type Schemas } from './schemas.fixture.ts';
import type { WriterOrder } from './writer.fixture.ts';

const [A, B, C] = ['A', 'B', 'C'].map((letter) => letter.repeat(16)) as [string, string, string];
const ALL = { entries: 1_000, bytes: 1e9 };
const WRITER = fileURLToPath(new URL('./writer.fixture.ts', import.meta.url));

let schemas: Schemas;
const opened: Storage[] = [];
const children: ChildProcess[] = [];
const clients: pg.Client[] = [];

beforeAll(() => {
  schemas = newSchemas();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  for (const client of clients.splice(0)) await client.end();
  for (const storage of opened.splice(0)) await storage.close();
});

afterAll(() => schemas.drop());

/** A node, as far as its storage goes. */
async function node(schema: string, options: Parameters<typeof postgres>[1] = {}): Promise<Storage> {
  const storage = await postgres(schemas.url, { schema, connections: 4, ...options }).open();
  opened.push(storage);
  return storage;
}

/** A node in another process. */
async function otherProcess(schema: string, space: string): Promise<(order: WriterOrder) => void> {
  const child = fork(WRITER, [schemas.url, schema, space], { execArgv: ['--conditions=@skerry/source'] });
  children.push(child);
  await once(child, 'message');
  return (order) => void child.send(order);
}

const done = (): Promise<unknown> => once(children.at(-1)!, 'message');

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** How many sessions are in such a state. */
async function count(condition: string): Promise<number> {
  const [row] = await schemas.run(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE ${condition}`);
  return row!['n'] as number;
}

/** Follows a log as a device does: what comes after what it has. */
class Follower {
  readonly #storage: Storage;
  readonly #seen: StoredEntry[] = [];
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#running = this.#run();
  }

  /** To the end, and no further. */
  async stop(): Promise<readonly StoredEntry[]> {
    this.#isOver = true;
    await this.#running;
    while (await this.#step());
    return this.#seen;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) await this.#step();
  }

  async #step(): Promise<boolean> {
    const entries = await this.#storage.read('a', this.#seen.at(-1)?.lsn ?? 0, { entries: 3, bytes: 1e6 });
    this.#seen.push(...entries);
    return entries.length > 0;
  }
}

const lsns = (entries: readonly StoredEntry[]): readonly number[] => entries.map(({ lsn }) => lsn);
const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('several nodes on one PostgreSQL', { timeout: 120_000 }, () => {
  it('[PGN1] are one server: what was written at one is there at the other, numbered in one order', async () => {
    const schema = schemas.name();
    const [here, there] = [await node(schema), await node(schema)];
    expect(here.sid).toBe(there.sid);
    await push(here, 'a', [creation(A, 1)], 'ada');
    await push(there, 'a', [creation(B, 1)]);
    await push(here, 'a', [creation(A, 2)], 'ada');
    expect(await contentOf(there, 'a')).toEqual(await contentOf(here, 'a'));
    expect((await there.read('a', 0, ALL)).map(({ stamp, dot }) => [stamp[1], incOf(dot!)])).toEqual([
      [1, A],
      [2, B],
      [3, A],
    ]);
    // What the one has acknowledged is a duplicate at the other.
    expect(await push(there, 'a', [creation(A, 1), creation(A, 2)], 'ada')).toMatchObject({ accepted: [] });
  });

  it('[PGN2] make the tables of an empty database once, and one identity, however many come at the same time', async () => {
    const schema = schemas.name();
    const nodes = await Promise.all(Array.from({ length: 6 }, () => node(schema)));
    expect(new Set(nodes.map(({ sid }) => sid)).size).toBe(1);
    await Promise.all(nodes.map((each, i) => push(each, 'a', [creation(String(i).repeat(16), 1)])));
    expect(lsns(await nodes[0]!.read('a', 0, ALL))).toEqual(upTo(6));
  });

  it.each([
    ['of a space that is there', true],
    ['of a space that both begin', false],
  ])(
    '[PGN3] a commit that comes late, of another process and %s, hides nothing from who follows',
    async (_, isThere) => {
      const schema = schemas.name();
      const here = await node(schema);
      if (isThere) await push(here, 'a', [creation(C, 1)]);
      const order = await otherProcess(schema, 'a');
      order({ hold: true });
      order({ push: A, count: 1 });
      const inTransaction = `application_name = 'skerry' AND state = 'idle in transaction' AND query LIKE '%"${schema}"%'`;
      await until(async () => (await count(inTransaction)) === 1);
      const following = new Follower(here);
      const second = push(here, 'a', [creation(B, 1)]);
      // It waits for the other's number instead of being seen before it.
      await until(
        async () =>
          (await count(`application_name = 'skerry' AND wait_event_type = 'Lock' AND query LIKE '%"${schema}"%'`)) ===
          1,
      );
      expect(lsns(await here.read('a', 0, ALL))).toEqual(isThere ? [1] : []);
      const first = done();
      order({ hold: false });
      await Promise.all([first, second]);
      const seen = await following.stop();
      expect(lsns(seen)).toEqual(upTo(isThere ? 3 : 2));
      expect(seen.slice(-2).map(({ dot }) => incOf(dot!))).toEqual([A, B]);
    },
  );

  it('[PGN3] who follows misses nothing while two processes write with pauses before their commits', async () => {
    const schema = schemas.name();
    const here = await node(schema);
    const order = await otherProcess(schema, 'a');
    const following = new Follower(here);
    const theirs = done();
    order({ push: A, count: 40 });
    for (let seq = 1; seq <= 60; seq++) await push(here, 'a', [creation(B, seq)]);
    await theirs;
    const seen = await following.stop();
    expect(lsns(seen)).toEqual(upTo(100));
    expect(seen).toEqual(await here.read('a', 0, ALL));
    for (const [inc, changes] of [
      [A, 40],
      [B, 60],
    ] as const)
      expect(seen.filter(({ dot }) => incOf(dot!) === inc)).toHaveLength(changes);
  });

  it('[PGN4] of transactions that wait for each other one gives way and is done again, with one effect', async () => {
    const schema = schemas.name();
    const here = await node(schema);
    await push(here, 'a', [creation(C, 1)]);
    let attempts = 0;
    let other: Promise<unknown> = Promise.resolve();
    await here.transact(['a'], async (transaction) => {
      const view = await viewFor(transaction, creation(A, 1));
      if (++attempts === 1) {
        // Somebody with a console takes the rows in the other order, and is not the one who gives way.
        other = schemas.run(
          `BEGIN; SET LOCAL deadlock_timeout = '60s'; UPDATE "${schema}".records SET digest = digest; UPDATE "${schema}".spaces SET lsn = lsn; COMMIT`,
        );
        await until(async () => (await count(`wait_event_type = 'Lock' AND query LIKE 'BEGIN;%"${schema}"%'`)) === 1);
      }
      await transaction.save('a', view);
    });
    await other;
    expect(attempts).toBeGreaterThan(1);
    expect(lsns(await here.read('a', 0, ALL))).toEqual([1, 2]);
  });

  it.each(['40001', '40P01', '55P03', '57014'])(
    '[PGN4] a transaction that the database gives up with %s is done again, with one effect',
    async (code) => {
      const schema = schemas.name();
      const here = await node(schema);
      await failOnce(schema, code);
      expect(await push(here, 'a', [creation(A, 1)])).toMatchObject({ known: { [A]: 1 } });
      const content = await contentOf(here, 'a');
      expect([lsns(content.log), content.records.length]).toEqual([[1], 1]);
    },
  );

  it('[PGN5] tell each other which spaces have grown, after the transaction, many at a time, and not themselves', async () => {
    const schema = schemas.name();
    const [here, there] = [await node(schema), await node(schema)];
    const [mine, theirs] = [hintsOf(here), hintsOf(there)];
    await until(async () => mine.includes(null) && theirs.includes(null));
    const raw = await listener(schema);
    const spaces = upTo(200).map((i) => `${'\u00fc'.repeat(40)}${i}`);
    await here.transact(spaces, async (transaction) => {
      for (const space of spaces) await transaction.save(space, await viewFor(transaction, creation(A, 1), space));
    });
    await until(async () => theirs.length === 201);
    expect(new Map(theirs.slice(1).map((hint) => [hint!.space, hint!.lsn]))).toEqual(
      new Map(spaces.map((space) => [space, 1])),
    );
    // As few messages as they fit into.
    expect(raw.length).toBe(Math.ceil(Buffer.byteLength(raw.join('')) / 7_900));
    expect(mine).toEqual([null]);
    // What fails is not told of.
    await expect(
      here.transact(['b'], async (transaction) => {
        await transaction.save('b', await viewFor(transaction, creation(A, 1), 'b'));
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
    await push(here, 'c', [creation(A, 1)]);
    await until(async () => theirs.length === 202);
    expect(theirs.at(-1)).toEqual({ space: 'c', lsn: 1 });
  });

  it('[PGN6] a node that may have missed a hint knows: after its connection was lost, and now and then', async () => {
    const schema = schemas.name();
    const here = await node(schema, { pollMs: 60_000 });
    const heard = hintsOf(here);
    const listening = `application_name = 'skerry' AND query = 'LISTEN "skerry ${schema}"'`;
    await until(async () => heard.length === 1 && (await count(listening)) === 1);
    await schemas.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${listening}`);
    await until(async () => heard.length === 2);
    await push(await node(schema), 'a', [creation(A, 1)]);
    await until(async () => heard.length === 3);
    expect(heard).toEqual([null, null, { space: 'a', lsn: 1 }]);
    const polling = hintsOf(await node(schema, { pollMs: 20 }));
    await until(async () => polling.length > 4);
    expect(new Set(polling)).toEqual(new Set([null]));
  });

  it('[PGN6] a message that is none of ours is no hint, and harms nobody', async () => {
    const schema = schemas.name();
    const heard = hintsOf(await node(schema));
    await until(async () => heard.length === 1);
    for (const payload of ['', '{', 'null', '7', '["x",7,null,["a"],["a","1"],[7,1]]', '["x",["a",1]]'])
      await schemas.run('SELECT pg_notify($1, $2)', [`skerry ${schema}`, payload]);
    await until(async () => heard.length === 2);
    expect(heard).toEqual([null, { space: 'a', lsn: 1 }]);
  });

  it('[PGN7] after a takeover a node that still is the old server writes nothing any more', async () => {
    const schema = schemas.name();
    const [here, there] = [await node(schema), await node(schema)];
    const spaces = upTo(3).map((i) => `s${i}`);
    for (const space of spaces) await push(here, space, [creation(A, 1)]);
    await there.takeOver();
    for (const space of [...spaces, 'new'])
      await expect(push(here, space, [creation(A, 2)])).rejects.toMatchObject({ name: 'StorageError', kind: 'broken' });
    await push(there, 's1', [creation(A, 2)]);
    const { stamp } = (await there.read('s1', 0, ALL)).at(-1)!;
    expect(stamp[0]).toBe(there.sid);
    expect((await node(schema)).sid).toBe(there.sid);
  });
});

/** The space with this change in it. */
async function viewFor(transaction: Transaction, change: Change, space = 'a'): Promise<SpaceView> {
  const prepared = { change, ...hashAndText(change), isPermitted: true };
  const pushed = { owner: null, changes: [prepared], bad: null, incs: [incOf(change.dot)] };
  const [view] = await transaction.views([questionOfPushes(space, [pushed])]);
  appendChange(view!, nextStamp(view!), prepared, null);
  return view!;
}

function hintsOf(storage: Storage): readonly (Hint | null)[] {
  const heard: (Hint | null)[] = [];
  storage.onHint!((hint) => heard.push(hint));
  return heard;
}

/** What is sent, as it is. */
async function listener(schema: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: schemas.url });
  const payloads: string[] = [];
  client.on('notification', ({ payload }) => payloads.push(payload!));
  await client.connect();
  await client.query(`LISTEN "skerry ${schema}"`);
  clients.push(client);
  return payloads;
}

/** The next entry that is written to the log fails with this. A sequence goes on in a transaction that is rolled back. */
async function failOnce(schema: string, code: string): Promise<void> {
  await schemas.run(`
    CREATE SEQUENCE "${schema}".failures;
    CREATE FUNCTION "${schema}".fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('"${schema}".failures') = 1 THEN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${code}'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER fail BEFORE INSERT ON "${schema}".log FOR EACH ROW EXECUTE FUNCTION "${schema}".fail();`);
}

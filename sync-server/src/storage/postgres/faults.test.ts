import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';

import { createLogger } from '../../log.ts';
import { contentOf, creation, push } from '../contract.ts';
import type { Storage } from '../port.ts';
import { postgres, type PostgresOptions } from './postgres.ts';
import { startPostgres, type TestPostgres } from './postgres.fixture.ts';
import { commitProxy } from './proxy.fixture.ts';
import { newSchemas, type Schemas } from './schemas.fixture.ts';

const [A, B] = ['A', 'B'].map((letter) => letter.repeat(16)) as [string, string];
const ALL = { entries: 1_000, bytes: 1e9 };

/** Of its own: these tests stop it. */
let server: TestPostgres;
let schemas: Schemas;
const opened: Storage[] = [];

beforeAll(async () => {
  server = await startPostgres();
  schemas = newSchemas(server.url);
}, 60_000);

afterEach(async () => {
  for (const storage of opened.splice(0)) await storage.close();
});

afterAll(async () => {
  await schemas.drop();
  await server[Symbol.asyncDispose]();
});

async function open(schema: string, options: PostgresOptions = {}, url = server.url): Promise<Storage> {
  const storage = await postgres(url, { schema, connections: 4, ...options }).open();
  opened.push(storage);
  return storage;
}

async function numbersIn(storage: Storage, space = 'a'): Promise<readonly number[]> {
  return (await storage.read(space, 0, ALL)).map(({ lsn }) => lsn);
}

describe('faults of PostgreSQL', { timeout: 120_000 }, () => {
  it.each(['before', 'after'] as const)(
    '[PGF1] a connection that is lost in the middle of a commit, %s it was done, leaves one effect',
    async (where) => {
      await using proxy = await commitProxy(server.url);
      const storage = await open(schemas.name(), {}, proxy.url);
      await push(storage, 'a', [creation(A, 1)], 'ada');
      proxy.cutNext(where);
      expect(await push(storage, 'a', [creation(A, 2)], 'ada')).toMatchObject({ known: { [A]: 2 } });
      expect(proxy.cuts).toBe(1);
      const { log, records } = await contentOf(storage, 'a');
      expect(log.map(({ lsn, stamp }) => [lsn, stamp[1]])).toEqual([
        [1, 1],
        [2, 2],
      ]);
      expect(records[0]!.state.counters).toEqual({ 'likes#c': 2 });
      await push(storage, 'a', [creation(A, 3)], 'ada');
      expect(await numbersIn(storage)).toEqual([1, 2, 3]);
      await storage.close();
    },
  );

  it('[PGF1] whoever is in the space looks again where a commit was in doubt', async () => {
    await using proxy = await commitProxy(server.url);
    const storage = await open(schemas.name(), {}, proxy.url);
    const heard: unknown[] = [];
    storage.onHint!((hint) => heard.push(hint?.space ?? null));
    proxy.cutNext('after');
    await push(storage, 'a', [creation(A, 1)]);
    expect(heard).toContain('a');
    await storage.close();
  });

  it.each(['fast', 'immediate'] as const)(
    '[PGF2] a database that restarts (%s) is waited for; what was acknowledged is there, and everything once',
    async (how) => {
      const storage = await open(schemas.name());
      await push(storage, 'a', [creation(B, 1)]);
      const acknowledged: number[] = [];
      const writing = (async () => {
        for (let seq = 1; seq <= 60; seq++) {
          await push(storage, 'a', [creation(A, seq)]);
          acknowledged.push(seq);
        }
      })();
      const reading = (async () => {
        while (acknowledged.length < 60) {
          const before = acknowledged.length;
          expect((await numbersIn(storage)).length).toBeGreaterThan(before);
        }
      })();
      while (acknowledged.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
      await server.stop(how);
      await server.start();
      await Promise.all([writing, reading]);
      expect(await numbersIn(storage)).toEqual(Array.from({ length: 61 }, (_, i) => i + 1));
    },
  );

  it('[PGF3] a database that stays away is a passing failure after a time, and is used again when it is back', async () => {
    const storage = await open(schemas.name(), { patienceMs: 200 });
    await push(storage, 'a', [creation(A, 1)]);
    await server.stop('fast');
    const unreachable = { name: 'StorageError', kind: 'busy' };
    await expect(push(storage, 'a', [creation(A, 2)])).rejects.toMatchObject(unreachable);
    await expect(storage.read('a', 0, ALL)).rejects.toMatchObject(unreachable);
    await expect(open('elsewhere', { patienceMs: 200 })).rejects.toMatchObject(unreachable);
    await server.start();
    await push(storage, 'a', [creation(A, 2)]);
    expect(await numbersIn(storage)).toEqual([1, 2]);
  });

  it('[PGF3] a database from which nothing comes back, and no end of a connection either, is given up, and used again when it answers', async () => {
    await using proxy = await commitProxy(server.url);
    const storage = await open(schemas.name(), { patienceMs: 1, answerMs: 1_000 }, proxy.url);
    await push(storage, 'a', [creation(A, 1)]);
    proxy.swallow(true);
    await expect(push(storage, 'a', [creation(A, 2)])).rejects.toMatchObject({ kind: 'busy' });
    await expect(storage.read('a', 0, ALL)).rejects.toMatchObject({ kind: 'busy' });
    proxy.swallow(false);
    await push(storage, 'a', [creation(A, 2)]);
    expect(await numbersIn(storage)).toEqual([1, 2]);
    await storage.close();
  });

  it('[PGF3] sessions that are ended from outside are replaced', async () => {
    const storage = await open(schemas.name());
    await push(storage, 'a', [creation(A, 1)]);
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'skerry'`;
    for (let seq = 2; seq <= 6; seq++) {
      await schemas.run(end);
      await push(storage, 'a', [creation(A, seq)]);
      expect((await numbersIn(storage)).length).toBe(seq);
    }
  });

  it('[PGF4] a database that takes no writes refuses them as a passing failure, is read, and is written to again later', async () => {
    const storage = await open(schemas.name(), { patienceMs: 200 });
    await push(storage, 'a', [creation(A, 1)]);
    const set = async (value: string): Promise<void> => {
      await schemas.run(`ALTER DATABASE postgres SET default_transaction_read_only = ${value}`);
      await schemas.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'skerry'`);
    };
    await set('on');
    await expect(push(storage, 'a', [creation(A, 2)])).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringContaining('takes no writes'),
    });
    expect(await numbersIn(storage)).toEqual([1]);
    await schemas.run(
      `SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only`,
    );
    await push(storage, 'a', [creation(A, 2)]);
    expect(await numbersIn(storage)).toEqual([1, 2]);
  });

  it.each([
    ['53100', 'full'],
    ['58030', 'broken'],
    ['XX001', 'broken'],
  ] as const)('[PGF5] no space, and a failed disk, are told apart: %s is %s', async (code, kind) => {
    const schema = schemas.name();
    const storage = await open(schema);
    await push(storage, 'a', [creation(A, 1)]);
    await schemas.run(`
      CREATE FUNCTION "${schema}".fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'secret %', NEW.text USING ERRCODE = '${code}';
      END $$;
      CREATE TRIGGER fail BEFORE INSERT ON "${schema}".log FOR EACH ROW EXECUTE FUNCTION "${schema}".fail()`);
    const failure = await push(storage, 'a', [creation(A, 2)]).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ name: 'StorageError', kind });
    expect((failure as Error).message).not.toContain('secret');
    expect(await numbersIn(storage)).toEqual([1]);
    await schemas.run(`DROP TRIGGER fail ON "${schema}".log`);
    const next = push(storage, 'a', [creation(A, 2)]);
    // After a failure of the disk nothing is written any more: what was called written may not be.
    if (kind === 'full') expect(await next).toMatchObject({ known: { [A]: 2 } });
    else await expect(next).rejects.toMatchObject({ kind: 'broken' });
  });

  it('[PGF6] a commit that is reported is on disk even where the database is set to say so before', async () => {
    await schemas.run(`ALTER DATABASE postgres SET synchronous_commit = off`);
    const schema = schemas.name();
    const storage = await open(schema);
    await schemas.run(`
      CREATE TABLE IF NOT EXISTS public.seen (value text);
      CREATE FUNCTION "${schema}".look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NEW;
      END $$;
      CREATE TRIGGER look BEFORE INSERT ON "${schema}".log FOR EACH ROW EXECUTE FUNCTION "${schema}".look()`);
    await push(storage, 'a', [creation(A, 1)]);
    expect(await schemas.run('SELECT value FROM public.seen')).toEqual([{ value: 'on' }]);
    await schemas.run(`ALTER DATABASE postgres RESET synchronous_commit`);
  });

  it('[PGF7] a pinned space whose connection is lost fails and is released; there are only so many', async () => {
    const storage = await open(schemas.name(), { snapshots: 2 });
    await push(storage, 'a', [creation(A, 1)]);
    expect(storage.maxPinned).toBe(2);
    const [one, two] = [await storage.pin('a', DEFAULT_LIMITS), await storage.pin('a', DEFAULT_LIMITS)];
    await expect(storage.pin('a', DEFAULT_LIMITS)).rejects.toMatchObject({ kind: 'busy' });
    await schemas.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'skerry'`);
    await expect(one.piece(0)).rejects.toMatchObject({ kind: 'busy' });
    one.release();
    two.release();
    const again = await storage.pin('a', DEFAULT_LIMITS);
    expect((await again.piece(0)).records).toHaveLength(1);
    again.release();
  });

  it('[PGF8] a database of a newer server, or one that is no UTF-8, is refused and not touched', async () => {
    const schema = schemas.name();
    await (await open(schema)).close();
    await schemas.run(`UPDATE "${schema}".meta SET value = '1000' WHERE key = 'version'`);
    await expect(open(schema)).rejects.toMatchObject({ kind: 'broken', message: expect.stringContaining('1000') });
    await schemas.run(`CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`);
    const url = new URL(server.url);
    url.pathname = '/latin';
    await expect(open('skerry', {}, url.href)).rejects.toMatchObject({
      kind: 'broken',
      message: expect.stringContaining('LATIN1'),
    });
    const latin = newSchemas(url.href);
    expect(await latin.run(`SELECT 1 FROM pg_namespace WHERE nspname = 'skerry'`)).toEqual([]);
    await latin.drop();
  });

  it('[PGF9] what refuses a connection is said, and never the password', async () => {
    const said: string[] = [];
    const logger = createLogger('debug', (line) => void said.push(line));
    const wrong = new URL(server.url);
    wrong.password = 'a-wrong-one';
    const absent = new URL(server.url);
    absent.pathname = '/absent';
    for (const [url, word] of [
      [wrong.href, 'password authentication failed'],
      [absent.href, 'does not exist'],
    ] as const) {
      const failure = (await postgres(url)
        .open(logger)
        .catch((cause: unknown) => cause)) as Error;
      expect(failure).toMatchObject({ name: 'StorageError', kind: 'broken', message: expect.stringContaining(word) });
      said.push(failure.message, String(failure.stack));
    }
    const schema = schemas.name();
    await (await postgres(server.url, { schema }).open(logger)).close();
    expect(said.join('\n')).toContain('unsafe-database');
    for (const secret of ['a-wrong-one', server.password, encodeURIComponent(server.password)])
      expect(said.join('\n')).not.toContain(secret);
  });
});

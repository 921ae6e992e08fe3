import { readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { createLogger } from './log.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import { createSyncServer } from './sync-server.ts';

let server: TestServer;
let failures: Error[];

beforeEach(async () => {
  failures = [];
  server = await startServer({ onFailure: (failure) => failures.push(failure) });
});

afterEach(() => server[Symbol.asyncDispose]());

function tamper(sql: string): void {
  const database = new Database(server.file);
  expect(database.prepare(sql).run().changes).toBe(1);
  database.close();
}

const FLIPPED = `replace(state, 'by one', 'by 0ne')`;

describe('bit rot under a running server', { timeout: 30_000 }, () => {
  it('[BRT1] a record that is not what was written is neither served nor written on; the others of its space are', async () => {
    const writer = await TestDevice.connect(server.url);
    const [one, two] = [new TestWriter('one'), new TestWriter('two')];
    await writer.push(one.next(), two.next());
    tamper(`UPDATE records SET state = ${FLIPPED} WHERE id = 'of-one-------------'`);
    expect(await writer.push(two.next())).not.toHaveProperty('refused');
    const change = one.next();
    writer.send({ type: 'push', changes: [change] });
    expect(await writer.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    const asking = await TestDevice.connect(server.url, { wantsSnapshot: true });
    expect(await asking.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    expect(asking.texts.join('')).not.toContain('0ne');
    expect(server.logs.filter(({ event }) => event === 'failed')).toMatchObject([
      { level: 'error', failure: 'StorageError', message: expect.stringContaining('doctor') },
      { level: 'error', failure: 'StorageError', message: expect.stringContaining('doctor') },
    ]);
    expect(JSON.stringify(server.logs)).not.toContain('0ne');
    expect(failures).toEqual([]);
    // When it is whole again all goes on, and nothing was lost meanwhile.
    tamper(`UPDATE records SET state = replace(state, 'by 0ne', 'by one') WHERE id = 'of-one-------------'`);
    const again = await TestDevice.connect(server.url);
    expect(await again.push(change)).toEqual({ type: 'pushed', known: { [one.inc]: 2 } });
  });

  it('[BRT2] an entry of the log that is not what was written is not served; those before it are', async () => {
    const writer = await TestDevice.connect(server.url);
    const source = new TestWriter('one');
    for (let i = 0; i < 3; i++) await writer.push(source.next());
    await writer.readTo(3);
    await writer.close();
    tamper(`UPDATE log SET text = replace(text, 'by one', 'by 0ne') WHERE lsn = 2`);
    const reader = await TestDevice.connect(server.url);
    expect(await reader.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    expect(reader.texts.join('')).not.toContain('0ne');
    // Who has it already goes on behind it.
    const behind = await TestDevice.connect(server.url, { cursor: { [reader.welcome.sid]: 2 } });
    expect(dotsOf(await behind.readTo(3))).toEqual([`${source.inc}.3`]);
  });

  it('[BRT3] what fails in a transaction of many pushes fails alone', async () => {
    const devices = await Promise.all(
      Array.from({ length: 10 }, (_, i) => TestDevice.connect(server.url, { space: `s${i % 5}` })),
    );
    const writers = devices.map((_, i) => new TestWriter(`w${i}`));
    await Promise.all(devices.map((device, i) => device.push(writers[i]!.next())));
    tamper(`UPDATE records SET state = replace(state, 'by w3', 'by W3') WHERE id = 'of-w3--------------'`);
    tamper(`UPDATE records SET state = '' WHERE id = 'of-w8--------------'`);
    const sent = writers.map((writer) => writer.next());
    const answers = await Promise.allSettled(devices.map((device, i) => device.push(sent[i]!)));
    const known = (i: number): unknown => ({ type: 'pushed', known: { [writers[i]!.inc]: 2 } });
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer.status))).toEqual(
      writers.map((_, i) => (i === 3 || i === 8 ? 'rejected' : known(i))),
    );
  });

  it('[BRT5] a record that cannot be read holds up the upkeep of no other space', async () => {
    await server[Symbol.asyncDispose]();
    server = await startServer({ maintenanceMs: 10, retention: { logMs: 1_000, tombstoneMs: 1_000 } });
    const id = '0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e10';
    for (const space of ['a', 'b']) {
      const [device, writer] = [await TestDevice.connect(server.url, { space }), new TestWriter(space)];
      const made = writer.next({ recs: [{ c: 'notes', id, rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }] });
      const ops = [{ t: 'life', v: 'dead', pred: [made.dot] }] as const;
      await device.push(made, writer.next({ recs: [{ c: 'notes', id, rv: [made.dot], ops }] }));
      // Before its delete may be forgotten.
      if (space === 'a') tamper(`UPDATE records SET state = substr(state, 2)`);
      await device.close();
    }
    const forgotten = (): boolean => server.logs.some(({ event, records }) => event === 'compacted' && records === 1);
    for (let i = 0; i < 500 && !forgotten(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(forgotten()).toBe(true);
    expect(server.logs).toContainEqual(
      expect.objectContaining({ event: 'maintenance-failed', message: expect.stringContaining('doctor') }),
    );
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  it('[BRT4] a page that cannot be read stops the server: nothing is acknowledged by it any more', async () => {
    const writer = await TestDevice.connect(server.url);
    const source = new TestWriter('one');
    for (let i = 0; i < 10; i++) await writer.push(...source.many(50));
    await server.server.close();
    spoilLeaves('log');
    const again = await createSyncServer({
      storage: sqlite(server.file),
      logger: createLogger('silent'),
      onFailure: (failure) => failures.push(failure),
    });
    const { url } = await again.listen(0);
    const reader = await TestDevice.open(url);
    reader.hello();
    expect(await reader.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    expect(failures).toMatchObject([{ name: 'StorageError', kind: 'broken' }]);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await again.close();
  });
});

/** Writes over the pages that hold the rows of a table. */
function spoilLeaves(table: string): void {
  const database = new Database(server.file, { readonly: true });
  const pages = database.prepare(`SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'`).pluck();
  const numbers = pages.all(table) as number[];
  const size = database.pragma('page_size', { simple: true }) as number;
  database.close();
  expect(numbers.length).toBeGreaterThan(0);
  const bytes = readFileSync(server.file);
  for (const number of numbers) bytes.fill(0xee, (number - 1) * size, (number - 1) * size + 12);
  writeFileSync(server.file, bytes);
}

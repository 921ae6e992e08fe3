import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from '../device.fixture.ts';
import { startServer, temporaryFolder, type TestServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';
import { watched } from '../storage/watched.fixture.ts';
import type { SyncServerOptions } from '../sync-server.ts';
import { parseExposition, type Sample } from './exposition.fixture.ts';
import { LARGEST_SPACES } from './space-sizes.ts';

const TOKEN = 'a-token-of-some-length';

let server: TestServer;

afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer(options);
}

/** `fetch` would not send another host. */
function ask(headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(`${server.url}/metrics`, { headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    asked.on('error', reject).end();
  });
}

async function samples(): Promise<readonly Sample[]> {
  return parseExposition((await ask()).text);
}

function valueOf(all: readonly Sample[], name: string, labels: Record<string, string> = {}): number | undefined {
  return all.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}

/** Asks until something is true of the figures. */
async function until(isTrue: (all: readonly Sample[]) => boolean): Promise<readonly Sample[]> {
  for (let i = 0; i < 500; i++) {
    const all = await samples();
    if (isTrue(all)) return all;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the figures never said so');
}

describe('who may read the metrics', { timeout: 30_000 }, () => {
  it('[MTR1] in development mode this machine, under a name of its own', async () => {
    await start({ storage: memory() });
    expect(await ask()).toMatchObject({ status: 200, text: expect.stringContaining('skerry_connections 0\n') });
    expect(await ask({ Host: 'localhost:4321' })).toMatchObject({ status: 200 });
    expect(await ask({ Host: '[::1]:4321' })).toMatchObject({ status: 200 });
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:4321'])
      expect([host, await ask({ Host: host })]).toEqual([host, { status: 404, text: 'not found\n' }]);
  });

  it('[MTR1] in production nobody: the address is like one that does not exist, or belongs to the app', async () => {
    const authenticate: SyncServerOptions['authenticate'] = async () => ({ id: 'ada' });
    await start({ storage: memory(), authenticate });
    expect(await ask({ Authorization: `Bearer ${TOKEN}` })).toEqual({ status: 404, text: 'not found\n' });
    await server[Symbol.asyncDispose]();
    const folder = temporaryFolder();
    mkdirSync(join(folder.path, 'dist'));
    writeFileSync(join(folder.path, 'dist', 'index.html'), '<p>app');
    await start({ storage: memory(), authenticate, static: join(folder.path, 'dist') });
    expect(await ask()).toEqual({ status: 200, text: '<p>app' });
    folder.remove();
  });

  it.each([
    ['nothing', {}],
    ['another token', { Authorization: 'Bearer a-token-of-some-lengtH' }],
    ['a longer one', { Authorization: `Bearer ${TOKEN}x` }],
    ['no token', { Authorization: 'Bearer ' }],
    ['another scheme', { Authorization: `Basic ${TOKEN}` }],
  ])('[MTR2] with a token set, who brings %s is refused and told nothing', async (_, headers) => {
    await start({ storage: memory(), metricsToken: TOKEN });
    expect(await ask(headers as Record<string, string>)).toEqual({
      status: 401,
      text: 'these metrics need a token\n',
    });
    const right = await ask({ Authorization: `Bearer ${TOKEN}` });
    expect(right).toMatchObject({ status: 200, text: expect.stringContaining('skerry_ready 1\n') });
    expect(JSON.stringify(server.logs)).not.toContain(TOKEN);
  });

  it('[MTR3] a server of somebody else serves them where it likes', async () => {
    await start({ storage: memory() });
    expect(valueOf(parseExposition(await server.server.metrics()), 'skerry_ready')).toBe(1);
  });
});

describe('what the metrics say', { timeout: 60_000 }, () => {
  it('[MTR4] connections, changes, commits, acknowledgements, refusals and closes by code, and the process', async () => {
    await start();
    const [one, two] = [await TestDevice.connect(server.url), await TestDevice.open(server.url)];
    const writer = new TestWriter('w');
    await one.push(...writer.many(3));
    await one.push(writer.next());
    writer.next();
    await one.push(writer.next());
    await one.push(writer.next());
    const all = await samples();
    expect(valueOf(all, 'skerry_connections')).toBe(2);
    expect(valueOf(all, 'skerry_connections_waiting')).toBe(1);
    expect(valueOf(all, 'skerry_spaces_open')).toBe(1);
    expect(valueOf(all, 'skerry_changes_total')).toBe(4);
    expect(valueOf(all, 'skerry_push_seconds_count')).toBe(4);
    expect(valueOf(all, 'skerry_commit_seconds_count')).toBe(4);
    expect(valueOf(all, 'skerry_commit_seconds_sum')).toBeGreaterThan(0);
    expect(valueOf(all, 'skerry_rejects_total', { code: 'GAP' })).toBe(2);
    expect(valueOf(all, 'skerry_pushes_waiting')).toBe(0);
    expect(valueOf(all, 'skerry_queue_bytes')).toBe(0);
    for (const name of [
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
    ])
      expect([name, valueOf(all, name)]).toEqual([name, expect.any(Number)]);
    await expect(TestDevice.open(server.url, { path: '/other' })).rejects.toThrow('404');
    const origin = { headers: { Origin: 'https://evil.example' } };
    await expect(TestDevice.open(server.url, { client: origin })).rejects.toThrow('403');
    expect((await fetch(`${server.url}/sync`, { method: 'POST', body: 'x', ...origin })).status).toBe(403);
    const refused = await samples();
    expect(valueOf(refused, 'skerry_turned_away_total', { status: '404' })).toBe(1);
    expect(valueOf(refused, 'skerry_turned_away_total', { status: '403' })).toBe(2);
    two.send('{');
    await two.closed;
    const after = await until((now) => valueOf(now, 'skerry_connections') === 1);
    expect(valueOf(after, 'skerry_rejects_total', { code: 'BAD_FRAME' })).toBe(1);
    expect(valueOf(after, 'skerry_closed_total', { code: '1003' }) ?? 0).toBe(0);
    expect(valueOf(after, 'skerry_closed_total', { code: String((await two.closed).code) })).toBe(1);
  });

  it('[MTR5] how far devices are behind, and what waits for its transaction', async () => {
    const storage = watched(memory());
    await start({ storage: storage.source, limits: { entriesPerPage: 2 } });
    const [writer, reader] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const source = new TestWriter('w');
    await writer.push(...source.many(10));
    // Two pages of two are on the way until the device says that it has applied one.
    const behind = await until((now) => valueOf(now, 'skerry_lag_entries_max') === 6);
    expect(valueOf(behind, 'skerry_lag_entries')).toBe(12);
    await Promise.all([writer.readTo(10), reader.readTo(10)]);
    await until((now) => valueOf(now, 'skerry_lag_entries') === 0);
    const release = storage.hold();
    const pushes = [writer.push(source.next())];
    await until((now) => valueOf(now, 'skerry_pushes_waiting') === 0 && storage.count === 2);
    pushes.push(reader.push(new TestWriter('v').next()));
    await until((now) => valueOf(now, 'skerry_pushes_waiting') === 1);
    release();
    await Promise.all(pushes);
    await until((now) => valueOf(now, 'skerry_pushes_waiting') === 0);
  });

  it('[MTR5] what a device that does not read keeps in the queue', async () => {
    // A device that reads would have reported the first pages as applied.
    await start({ storage: memory(), limits: { pagesInFlight: 100 } });
    const [writer, deaf] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    deaf.socket.pause();
    const source = new TestWriter('w');
    const ops = [{ t: 'set', p: 'body', v: 'x'.repeat(400_000), pred: [] }] as const;
    let all = await samples();
    for (let i = 0; i < 100 && valueOf(all, 'skerry_queue_bytes_max') === 0; i++) {
      await writer.push(source.next({ recs: [{ c: 'notes', id: `large-${i}`, rv: [], ops }] }));
      all = await samples();
    }
    const most = valueOf(all, 'skerry_queue_bytes_max');
    expect(most).toBeGreaterThan(0);
    expect(valueOf(all, 'skerry_queue_bytes')).toBeGreaterThanOrEqual(most!);
    deaf.socket.resume();
  });

  it.each([
    ['SQLite', {}],
    ['memory', { storage: memory() }],
  ])('[MTR6] the largest spaces are named, the largest first, on %s', async (_, options) => {
    await start({ maintenanceMs: 20, ...options });
    const spaces = LARGEST_SPACES + 3;
    for (let i = 1; i <= spaces; i++) {
      const device = await TestDevice.connect(server.url, {
        space: i === 5 ? 'a "name"\nof \\ two lines' : `space-${i}`,
      });
      const writer = new TestWriter(`w${i}`);
      // More than one part of a log.
      const changes = Array.from({ length: i * 60 }, (__, n) =>
        writer.next({ recs: [{ c: 'notes', id: `r${n % i}`, rv: [], ops: [{ t: 'inc', p: 'likes#c', n: 1 }] }] }),
      );
      for (let at = 0; at < changes.length; at += 500) await device.push(...changes.slice(at, at + 500));
      await device.close();
    }
    const names = Array.from({ length: LARGEST_SPACES }, (__, i) => spaces - i).map((i) =>
      i === 5 ? 'a "name"\nof \\ two lines' : `space-${i}`,
    );
    const sizesIn = (now: readonly Sample[]): readonly Sample[] =>
      now.filter(({ name }) => name === 'skerry_space_bytes');
    const all = await until((now) => String(sizesIn(now).map(({ labels }) => labels['space'])) === String(names));
    expect(valueOf(all, 'skerry_space_records', { space: `space-${spaces}` })).toBe(spaces);
    const sizes = sizesIn(all);
    expect(sizes.map(({ value }) => value)).toEqual(sizes.map(({ value }) => value).sort((a, b) => b - a));
  });

  it('[MTR7] the files of the storage, the write-ahead log by itself, and what is left on the disk', async () => {
    await start();
    const device = await TestDevice.connect(server.url);
    await device.push(...new TestWriter('w').many(20));
    const all = await samples();
    expect(valueOf(all, 'skerry_storage_bytes', { file: 'database' })).toBeGreaterThan(0);
    expect(valueOf(all, 'skerry_storage_bytes', { file: 'wal' })).toBeGreaterThan(0);
    expect(valueOf(all, 'skerry_storage_free_bytes')).toBeGreaterThan(0);
  });
});

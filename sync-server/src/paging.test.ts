import { once } from 'node:events';
import { CLOSE, DEFAULT_LIMITS, type Limits } from '@skerry/sdk/kernel';
import { afterEach, describe, expect, it } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';

let server: TestServer;

afterEach(() => server[Symbol.asyncDispose]());

async function start(limits: Partial<Limits> = {}): Promise<void> {
  server = await startServer({ limits });
}

/** Changes of so many in pushes of at most 500; returns their dots in log order. */
async function fill(count: number, valueLength = 10): Promise<readonly string[]> {
  const device = await TestDevice.connect(server.url);
  const writer = new TestWriter('filler');
  const perPush = Math.min(500, Math.floor(900_000 / (valueLength + 300)));
  const dots: string[] = [];
  while (dots.length < count) {
    const changes = Array.from({ length: Math.min(perPush, count - dots.length) }, () =>
      writer.next({ label: 'x'.repeat(Math.min(valueLength, 1_000)) }),
    );
    // Each a record of its own: versions of one field that nobody settles would make it larger with every change.
    const large = changes.map((change) => ({
      ...change,
      recs: [
        {
          ...change.recs[0]!,
          id: change.dot,
          ops: [{ t: 'set', p: 'body', v: 'x'.repeat(valueLength), pred: [] } as const],
        },
      ],
    }));
    expect(await device.push(...large)).not.toHaveProperty('refused');
    dots.push(...changes.map(({ dot }) => dot));
  }
  await device.close();
  return dots;
}

describe('paging', { timeout: 30_000 }, () => {
  it('[PAG1] 5,000 changes come in log order, in pages within the limits, and from the middle too', async () => {
    await start();
    const dots = await fill(5_000);
    const reader = await TestDevice.connect(server.url);
    const { sid } = reader.welcome;
    const entries = await reader.readTo(5_000);
    expect(dotsOf(entries)).toEqual(dots);
    expect(entries.map(({ stamp }) => stamp[1])).toEqual(dots.map((_, i) => i + 1));
    expect(reader.pages.length).toBeGreaterThanOrEqual(10);
    expect(Math.max(...reader.pages.map((page) => page.entries.length))).toBeLessThanOrEqual(
      DEFAULT_LIMITS.entriesPerPage,
    );
    expect(Math.max(...reader.texts.map((text) => Buffer.byteLength(text)))).toBeLessThan(DEFAULT_LIMITS.frameBytes);
    for (const { entries, cursor, head } of reader.pages) {
      expect(cursor).toEqual({ [sid]: entries.at(-1)!.stamp[1] });
      expect(head).toEqual({ [sid]: 5_000 });
    }
    const late = await TestDevice.connect(server.url, { cursor: { [sid]: 4_321 } });
    expect(dotsOf(await late.readTo(5_000))).toEqual(dots.slice(4_321));
    const upToDate = await TestDevice.connect(server.url, { cursor: { [sid]: 5_000 } });
    upToDate.send({ type: 'ping' });
    await upToDate.next('pong');
    expect(upToDate.pages).toEqual([]);
  });

  it('[PAG2] no more than two pages are on the way to a device that reports nothing as applied', async () => {
    await start({ entriesPerPage: 10 });
    await fill(100);
    const reader = await TestDevice.connect(server.url);
    await reader.until(() => reader.pages.length === 2);
    reader.send({ type: 'ping' });
    await reader.next('pong');
    expect(reader.entries).toHaveLength(20);
    reader.applied(reader.pages[0]!.cursor);
    await reader.until(() => reader.pages.length === 3);
    reader.send({ type: 'ping' });
    await reader.next('pong');
    expect(reader.entries).toHaveLength(30);
  });

  it('[PAG3] an entry larger than a page has a page of its own', async () => {
    await start();
    const dots = await fill(3, 600_000);
    const reader = await TestDevice.connect(server.url);
    expect(dotsOf(await reader.readTo(3))).toEqual(dots);
    expect(reader.pages.map(({ entries }) => entries.length)).toEqual([1, 1, 1]);
  });

  it('[PAG4] a device that catches up while others write gets everything once and in order', async () => {
    await start({ entriesPerPage: 7 });
    const before = await fill(100);
    const [reader, writer] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const source = new TestWriter('live');
    const reading = reader.readTo(160);
    for (let i = 0; i < 20; i++) await writer.push(...source.many(3));
    const dots = dotsOf(await reading);
    expect(dots.slice(0, 100)).toEqual(before);
    expect(dots.slice(100)).toEqual(Array.from({ length: 60 }, (_, i) => `${source.inc}.${i + 1}`));
  });

  it('[PAG5] a device that stops reading is cut off, costs the others nothing and goes on by its cursor', async () => {
    await start({ pagesInFlight: 1_000, bufferedBytes: 1_048_576 });
    const dots = await fill(60, 500_000);
    const slow = await TestDevice.open(server.url);
    slow.socket.pause();
    slow.hello();
    const cut = (): boolean => server.logs.some(({ event, code }) => event === 'closed' && code === CLOSE.tryLater);
    const neighbour = await TestDevice.connect(server.url, { space: 'other' });
    while (!cut()) {
      neighbour.send({ type: 'ping' });
      await neighbour.next('pong');
    }
    slow.socket.resume();
    expect([CLOSE.tryLater, 1006]).toContain((await slow.closed).code);
    expect(slow.entries.length).toBeLessThan(60);
    const { sid } = slow.welcome;
    const got = [...dotsOf(slow.entries)];
    // Without the credit, which this server does not ask for, even a good reader may be cut; each time it gets further.
    while (got.length < 60) {
      const again = await TestDevice.connect(server.url, { cursor: { [sid]: got.length } });
      await again.readTo(60).catch(() => undefined);
      expect(again.entries.length).toBeGreaterThan(0);
      got.push(...dotsOf(again.entries));
    }
    expect(got).toEqual(dots);
  });

  it('[PAG6] a device that says nothing for too long is gone for the server', async () => {
    await start({ silenceMs: 2_000 });
    const [silent, lively] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const beat = setInterval(() => lively.send({ type: 'ping' }), 50);
    const [code, reason] = (await once(silent.socket, 'close')) as [number, Buffer];
    clearInterval(beat);
    expect([code, String(reason)]).toEqual([CLOSE.tooSlow, 'TIMEOUT']);
    expect(lively.socket.readyState).toBe(lively.socket.OPEN);
  });
});

import { CLOSE } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { createLogger } from './log.ts';
import { startServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import { watched } from './storage/watched.fixture.ts';
import { createSyncServer } from './sync-server.ts';

describe('shutdown', { timeout: 30_000 }, () => {
  it('[SHU1] under load: everybody is told, what was acknowledged is there, nothing is there twice', async () => {
    await using server = await startServer();
    const acknowledged: string[] = [];
    const pushing = Array.from({ length: 10 }, async (_, i) => {
      const device = await TestDevice.connect(server.url);
      const writer = new TestWriter(`w${i}`);
      for (;;) {
        const changes = writer.many(2);
        const pushed = await device.push(...changes).catch(() => null);
        if (!pushed) return { closing: await device.closed, last: device.messages.at(-1) };
        expect(pushed.refused).toBeUndefined();
        acknowledged.push(...changes.map(({ dot }) => dot));
      }
    });
    while (acknowledged.length < 100) await new Promise((resolve) => setImmediate(resolve));
    const startMs = performance.now();
    await server.server.close();
    expect(performance.now() - startMs).toBeLessThan(10_000);
    for (const { closing, last } of await Promise.all(pushing)) {
      expect(closing).toEqual({ code: CLOSE.restart, reason: 'SHUTTING_DOWN' });
      expect(last).toMatchObject({ type: 'error', code: 'SHUTTING_DOWN' });
    }
    await expect(TestDevice.open(server.url)).rejects.toThrow('ECONNREFUSED');

    const again = await createSyncServer({ storage: sqlite(server.file), logger: createLogger('silent') });
    const { url } = await again.listen(0);
    const reader = await TestDevice.connect(url);
    const head = Object.values(reader.welcome.cursor)[0]!;
    const stored = dotsOf(await reader.readTo(head));
    expect(new Set(stored).size).toBe(stored.length);
    expect(acknowledged.filter((dot) => !stored.includes(dot))).toEqual([]);
    await again.close();
  });

  it('[SHU2] the commit under way is finished and acknowledged before its device is told to go', async () => {
    const storage = watched(memory());
    await using server = await startServer({ storage: storage.source });
    const [device, idle] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const release = storage.hold();
    device.send({ type: 'push', changes: [new TestWriter('w').next()] });
    device.send({ type: 'ping' });
    await device.next('pong');
    const closing = server.server.close();
    // What comes now is neither stored nor answered: its device sends it to the next server.
    idle.send({ type: 'push', changes: [new TestWriter('late').next()] });
    idle.send({ type: 'ping' });
    await idle.next('pong');
    release();
    await closing;
    expect(storage.count).toBe(1);
    expect(idle.messages.map(({ type }) => type)).not.toContain('pushed');
    expect(device.messages.map(({ type }) => type).filter((type) => type !== 'page')).toEqual([
      'welcome',
      'pong',
      'pushed',
      'error',
    ]);
    expect((await idle.closed).code).toBe(CLOSE.restart);
  });

  it('[SHU3] a peer that does not answer is cut off, and a second call waits for the first', async () => {
    await using server = await startServer({ storage: memory() });
    const deaf = await TestDevice.connect(server.url);
    deaf.socket.pause();
    const startMs = performance.now();
    await Promise.all([server.server.close(), server.server.close()]);
    expect(performance.now() - startMs).toBeLessThan(10_000);
    deaf.socket.resume();
    await deaf.closed;
  });

  it('[SHU4] an HTTP connection that is kept open does not hold it up', async () => {
    await using server = await startServer({ storage: memory() });
    await (await fetch(`${server.url}/healthz`)).text();
    await server.server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});

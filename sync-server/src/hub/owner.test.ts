import { afterEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from '../device.fixture.ts';
import { startServer, type TestServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';

let server: TestServer;

afterEach(() => server[Symbol.asyncDispose]());

describe('whose a change is', { timeout: 30_000 }, () => {
  it('[OWN1] a user whose id not every storage keeps writes nothing, and others are not touched', async () => {
    const IDS: readonly unknown[] = ['', 'a\u0000', '\ud800', 'x'.repeat(257), 7, undefined];
    server = await startServer({
      storage: memory(),
      authenticate: async (token) => ({ id: (token === 'good' ? 'ü'.repeat(256) : IDS[Number(token)]) as string }),
    });
    const good = await TestDevice.connect(server.url, { token: 'good' });
    for (const i of IDS.keys()) {
      const bad = await TestDevice.connect(server.url, { token: String(i) });
      bad.send({ type: 'push', changes: [new TestWriter(`bad${i}`).next()] });
      expect(await bad.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    }
    const writer = new TestWriter('good');
    expect(await good.push(writer.next())).toEqual({ type: 'pushed', known: { [writer.inc]: 1 } });
    expect((await good.readTo(1)).length).toBe(1);
    const told = server.logs.filter(({ event }) => event === 'failed');
    expect(told).toHaveLength(IDS.length);
    expect(String(told[0]!['message'])).toContain('authenticate');
  });
});

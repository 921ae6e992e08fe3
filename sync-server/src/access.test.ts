import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CLOSE, hashOfChange } from '@skerry/sdk/kernel';
import { afterEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from './device.fixture.ts';
import type { Access } from './hub/access.ts';
import { createLogger } from './log.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import type { SyncServerOptions } from './sync-server.ts';
import { createSyncServer } from './sync-server.ts';

let server: TestServer;

afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer(options);
}

const PEOPLE: Access = {
  authenticate: async (token) => {
    if (token === 'crash') throw new Error('secret detail');
    return token === undefined || token === 'forged' ? null : { id: token };
  },
  authorize: (principal, action, space, change) => {
    if (space !== 'notes') return false;
    return action === 'read' || (principal!.id !== 'reader' && change?.label !== 'forbidden');
  },
};

describe('origins', { timeout: 30_000 }, () => {
  const upgrade = async (headers: Record<string, string>): Promise<string> => {
    const { host } = new URL(server.url);
    const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('HOST', host)]));
    try {
      const device = await TestDevice.open(server.url, { client: { headers: own } });
      await device.close();
      return 'open';
    } catch (failure) {
      return String(failure);
    }
  };

  it('[ORG1] without a list, only pages of the host the request was sent to, and clients that are no pages', async () => {
    await start();
    expect(await upgrade({})).toBe('open');
    expect(await upgrade({ Origin: 'http://HOST' })).toBe('open');
    expect(await upgrade({ Origin: 'https://app.example', Host: 'app.example' })).toBe('open');
    expect(await upgrade({ Origin: 'https://app.example', Host: 'app.example:443' })).toBe('open');
    for (const origin of [
      'https://evil.example',
      'https://HOST.evil.example',
      'http://localhost.evil.example:5173',
      'http://127.0.0.1.evil.example',
      'null',
      'http://HOST, http://evil.example',
      'http://HOST/x',
      'file://',
    ]) {
      expect([origin, await upgrade({ Origin: origin })]).toEqual([origin, expect.stringContaining('403')]);
    }
  });

  it('[ORG5] in development mode pages of this machine as well, and never elsewhere', async () => {
    const pages = ['http://localhost:5173', 'http://127.0.0.1:8080', 'http://[::1]:3000'];
    await start();
    for (const origin of pages) expect([origin, await upgrade({ Origin: origin })]).toEqual([origin, 'open']);
    await server[Symbol.asyncDispose]();
    await start({ authenticate: async () => ({ id: 'anna' }) });
    for (const origin of pages) {
      expect([origin, await upgrade({ Origin: origin })]).toEqual([origin, expect.stringContaining('403')]);
    }
    await server[Symbol.asyncDispose]();
    await start({ origins: ['http://localhost:5173'] });
    expect(await upgrade({ Origin: 'http://localhost:5173' })).toBe('open');
    expect(await upgrade({ Origin: 'http://localhost:5174' })).toContain('403');
  });

  it('[ORG2] a forwarded host counts only behind a proxy that was declared', async () => {
    await start();
    const headers = { Origin: 'https://app.example', 'X-Forwarded-Host': 'app.example' };
    expect(await upgrade(headers)).toContain('403');
    await server[Symbol.asyncDispose]();
    await start({ trustProxy: true });
    expect(await upgrade(headers)).toBe('open');
    expect(await upgrade({ ...headers, Origin: 'https://evil.example' })).toContain('403');
  });

  it('[ORG3] with a list, exactly these', async () => {
    await start({ origins: ['https://app.example'] });
    expect(await upgrade({ Origin: 'https://app.example' })).toBe('open');
    for (const origin of [
      'http://app.example',
      'https://app.example.evil.com',
      'https://app.example:444',
      'http://HOST',
      'null',
    ]) {
      expect([origin, await upgrade({ Origin: origin })]).toEqual([origin, expect.stringContaining('403')]);
    }
  });

  it('[ORG4] other paths are not found, and plain requests to /sync are told to upgrade', async () => {
    await start();
    await expect(TestDevice.open(server.url, { path: '/other' })).rejects.toThrow('404');
    await (await TestDevice.open(server.url, { path: '/' })).close();
    expect((await fetch(`${server.url}/sync`)).status).toBe(426);
  });
});

describe('development mode', { timeout: 30_000 }, () => {
  it('[DEV1] without authenticate the server does not listen to other machines', async () => {
    const alone = await createSyncServer({ storage: memory(), logger: createLogger('silent') });
    for (const host of ['0.0.0.0', '::', 'example.com', '192.168.1.1']) {
      await expect(alone.listen(0, host)).rejects.toMatchObject({ name: 'SkerryError', code: 'INVALID_OPTION' });
    }
    const { url } = await alone.listen(0, 'localhost');
    await (await TestDevice.connect(url)).close();
    await alone.close();
  });

  it('[DEV2] attached to a server of somebody else it serves /sync and leaves the rest alone', async () => {
    const http: Server = createServer((_, response) => response.end('mine'));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const attached = await createSyncServer({ storage: memory(), logger: createLogger('silent') });
    attached.attach(http);
    const device = await TestDevice.connect(url);
    expect(await device.push(new TestWriter('w').next())).not.toHaveProperty('refused');
    expect(await (await fetch(url)).text()).toBe('mine');
    await attached.close();
    expect((await device.closed).code).toBe(CLOSE.restart);
    expect(await (await fetch(url)).text()).toBe('mine');
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
});

describe('authentication and rights', { timeout: 30_000 }, () => {
  it.each([undefined, 'forged'])('[ACC1] the token %s is refused with 4401 and learns nothing', async (token) => {
    await start(PEOPLE);
    const peer = await TestDevice.open(server.url);
    peer.hello(token === undefined ? {} : { token });
    expect(await peer.closed).toEqual({ code: CLOSE.unauthenticated, reason: 'AUTH_REQUIRED' });
    expect(peer.messages).toEqual([{ type: 'error', code: 'AUTH_REQUIRED', message: expect.any(String) }]);
  });

  it('[ACC2] a space that may not be read and one that does not exist are refused alike', async () => {
    await start(PEOPLE);
    const refusals = await Promise.all(
      ['secret', 'nonexistent'].map(async (space) => {
        const peer = await TestDevice.open(server.url);
        peer.hello({ token: 'ada', space });
        return { closing: await peer.closed, messages: peer.messages };
      }),
    );
    expect(refusals[0]).toEqual({
      closing: { code: CLOSE.forbidden, reason: 'FORBIDDEN' },
      messages: [expect.objectContaining({ code: 'FORBIDDEN' })],
    });
    expect(refusals[1]).toEqual(refusals[0]);
  });

  it('[ACC3] a change that may not be written is refused by its dot; what stands before it is kept', async () => {
    await start(PEOPLE);
    const ada = await TestDevice.connect(server.url, { token: 'ada' });
    const writer = new TestWriter('ada');
    const [one, two] = [writer.next(), writer.next({ label: 'forbidden' })];
    expect(await ada.push(one, two)).toMatchObject({
      known: { [writer.inc]: 1 },
      refused: { dot: two.dot, code: 'FORBIDDEN' },
    });
    const reader = await TestDevice.connect(server.url, { token: 'reader' });
    expect((await reader.push(new TestWriter('reader').next())).refused).toMatchObject({ code: 'FORBIDDEN' });
    expect(await reader.readTo(1)).toMatchObject([{ dot: one.dot }]);
  });

  it('[ACC7] what a device has taken back needs no right: it only keeps the place of what was refused', async () => {
    await start(PEOPLE);
    const reader = await TestDevice.connect(server.url, { token: 'reader' });
    const writer = new TestWriter('reader');
    const refused = writer.next();
    expect((await reader.push(refused)).refused).toMatchObject({ code: 'FORBIDDEN' });
    const takenBack = { dot: refused.dot, hlc: refused.hlc, was: hashOfChange(refused), recs: [] };
    expect(await reader.push(takenBack)).toEqual({ type: 'pushed', known: { [writer.inc]: 1 } });
    // What has content still needs it.
    const { was } = takenBack;
    expect((await reader.push({ ...writer.next(), was })).refused).toMatchObject({ code: 'FORBIDDEN' });
    expect((await reader.push(refused)).refused).toBeUndefined();
    const ada = await TestDevice.connect(server.url, { token: 'ada' });
    expect(await ada.readTo(1)).toMatchObject([{ change: takenBack }]);
  });

  it('[ACC4] nobody goes on in the name of another writer; what is there already is no news', async () => {
    await start(PEOPLE);
    const [ada, eve] = [
      await TestDevice.connect(server.url, { token: 'ada' }),
      await TestDevice.connect(server.url, { token: 'eve' }),
    ];
    const writer = new TestWriter('ada');
    const [one, two] = [writer.next(), writer.next()];
    await ada.push(one);
    expect(await eve.push(one)).toEqual({ type: 'pushed', known: { [writer.inc]: 1 } });
    expect((await eve.push(two)).refused).toMatchObject({ code: 'FORBIDDEN' });
    expect(await ada.push(two)).toEqual({ type: 'pushed', known: { [writer.inc]: 2 } });
  });

  it('[ACC5] a callback that throws ends this session only, and tells it nothing', async () => {
    await start(PEOPLE);
    const ada = await TestDevice.connect(server.url, { token: 'ada' });
    const peer = await TestDevice.open(server.url);
    peer.hello({ token: 'crash' });
    expect(await peer.closed).toEqual({ code: CLOSE.tryLater, reason: 'INTERNAL' });
    expect(peer.texts.join('')).not.toContain('secret');
    expect(JSON.stringify(server.logs)).not.toContain('secret');
    expect(await ada.push(new TestWriter('w').next())).not.toHaveProperty('refused');
  });

  it('[ACC6] a callback that never answers is given up, and the door stays open for others', async () => {
    await start({
      ...PEOPLE,
      authenticate: (token) => (token === 'slow' ? new Promise(() => undefined) : Promise.resolve({ id: 'ada' })),
      limits: { helloMs: 1_000 },
    });
    const peer = await TestDevice.open(server.url);
    peer.hello({ token: 'slow' });
    expect(await peer.closed).toEqual({ code: CLOSE.tryLater, reason: 'TIMEOUT' });
    await TestDevice.connect(server.url, { token: 'ada' });
  });
});

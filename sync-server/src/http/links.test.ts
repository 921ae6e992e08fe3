/** The HTTP binding, spoken by hand: what is lost, repeated, late or wrong. */
import { CLOSE, decodeServerMessage, DEFAULT_LIMITS, type ServerMessage } from '@skerry/sdk/kernel';
import { afterEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from '../device.fixture.ts';
import { startServer, type TestServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';
import type { SyncServerOptions } from '../sync-server.ts';

interface Answer {
  readonly status: number;
  readonly head: Readonly<Record<string, unknown>>;
  readonly frames: readonly string[];
}

let server: TestServer;
afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer({ storage: memory(), ...options });
}

async function post(head: object, frames: readonly string[] = [], init: RequestInit = {}): Promise<Answer> {
  const bytes = frames.map((frame) => Buffer.byteLength(frame));
  const body = `${JSON.stringify({ ...head, bytes })}\n${frames.join('')}`;
  return read(await fetch(`${server.url}/sync`, { method: 'POST', body, ...init }));
}

async function read(response: Response): Promise<Answer> {
  const body = Buffer.from(await response.arrayBuffer());
  const end = body.indexOf('\n');
  const head = response.ok ? (JSON.parse(body.subarray(0, end).toString()) as Answer['head']) : {};
  let at = end + 1;
  const frames = ((head['bytes'] ?? []) as number[]).map((size) => body.subarray(at, (at += size)).toString());
  return { status: response.status, head, frames };
}

async function open(init: RequestInit = {}): Promise<string> {
  const { status, head } = await post({ do: 'open', binding: 1 }, [], init);
  expect(status).toBe(200);
  return head['link'] as string;
}

const hello = (rest: object = {}): string =>
  JSON.stringify({ type: 'hello', protocol: 1, space: 'notes', device: 'd', cursor: {}, writers: [], ...rest });
const push = (...changes: readonly object[]): string => JSON.stringify({ type: 'push', changes });
const PING = '{"type":"ping"}';

const send = (link: string, from: number, ...frames: readonly string[]): Promise<Answer> =>
  post({ do: 'send', link, from }, frames);
const poll = (link: string, after: number): Promise<Answer> => post({ do: 'poll', link, after });

function messages({ frames }: Answer): ServerMessage[] {
  return frames.map((text) => {
    const decoded = decodeServerMessage(text, DEFAULT_LIMITS);
    if (decoded.type === 'bad') throw new Error(decoded.reason);
    return decoded.message;
  });
}

/** Polls until `count` frames have come; each is asked for once. */
async function readFrames(link: string, count: number, after = 0): Promise<readonly ServerMessage[]> {
  const got: ServerMessage[] = [];
  while (got.length < count) got.push(...messages(await poll(link, after + got.length)));
  return got;
}

describe('links over HTTP', { timeout: 30_000 }, () => {
  it('[HTP1] a device over HTTP and one over a socket read what the other writes', async () => {
    await start();
    const socket = await TestDevice.connect(server.url);
    const link = await open();
    await send(link, 1, hello());
    expect(await readFrames(link, 1)).toMatchObject([{ type: 'welcome' }]);
    const [mine, theirs] = [new TestWriter('mine').next(), new TestWriter('theirs').next()];
    await send(link, 2, push(mine));
    const [first, second] = await readFrames(link, 2, 1);
    expect([first!.type, second!.type].sort()).toEqual(['page', 'pushed']);
    expect((await socket.next('page')).entries).toMatchObject([{ dot: mine.dot }]);
    await socket.push(theirs);
    expect(await readFrames(link, 1, 3)).toMatchObject([{ type: 'page', entries: [{ dot: theirs.dot }] }]);
  });

  it('[HTP2] frames that are sent again count once, and a gap is refused', async () => {
    await start();
    const link = await open();
    await send(link, 1, hello());
    await poll(link, 0);
    expect((await send(link, 1, hello(), PING)).head).toMatchObject({ received: 2 });
    expect((await send(link, 1, hello(), PING)).head).toMatchObject({ received: 2 });
    expect((await send(link, 2, PING, PING)).head).toMatchObject({ received: 3 });
    expect((await send(link, 5, PING)).status).toBe(409);
    expect((await readFrames(link, 2, 1)).map(({ type }) => type)).toEqual(['pong', 'pong']);
    await send(link, 4, PING);
    expect((await readFrames(link, 1, 3)).map(({ type }) => type)).toEqual(['pong']);
  });

  it('[HTP3] an answer that was lost is given again, until a poll says that it has come', async () => {
    await start();
    const link = await open();
    await send(link, 1, hello());
    expect(messages(await poll(link, 0))).toMatchObject([{ type: 'welcome' }]);
    await send(link, 2, PING);
    const again = await poll(link, 0);
    expect(messages(again).map(({ type }) => type)).toEqual(['welcome', 'pong']);
    expect(again.head).toMatchObject({ from: 1 });
    await send(link, 3, PING);
    await readFrames(link, 1, 2);
    // The question for what was confirmed is a late copy: it is answered with nothing, and disturbs no other.
    const held = poll(link, 3);
    expect(await poll(link, 0)).toMatchObject({ status: 200, frames: [] });
    await send(link, 4, PING);
    expect(messages(await held)).toMatchObject([{ type: 'pong' }]);
  });

  it('[HTP3] of two polls for the same, the newer is answered; one that is broken off loses nothing', async () => {
    await start();
    const link = await open();
    await send(link, 1, hello());
    await readFrames(link, 1);
    const stop = new AbortController();
    const broken = post({ do: 'poll', link, after: 1 }, [], { signal: stop.signal }).catch(() => 'broken');
    const older = poll(link, 1);
    const newer = poll(link, 1);
    stop.abort();
    expect(await broken).toBe('broken');
    await send(link, 2, PING);
    const answers = [await older, await newer].flatMap(messages);
    // Whichever of the two came last has it; a third asks in any case.
    expect(answers.length > 0 ? answers : messages(await poll(link, 1))).toMatchObject([{ type: 'pong' }]);
  });

  it('[HTP4] the end is told with its code and the frames before it, also to who asks late', async () => {
    await start();
    const link = await open();
    await send(link, 1, PING);
    for (const attempt of [1, 2]) {
      const end = await poll(link, 0);
      expect([attempt, messages(end)]).toMatchObject([attempt, [{ type: 'error', code: 'OUT_OF_ORDER' }]]);
      expect(end.head).toMatchObject({ closed: { code: CLOSE.unauthenticated, reason: 'OUT_OF_ORDER' } });
    }
    expect((await poll('made-up', 0)).status).toBe(410);
  });

  it('[HTP4] a device that says goodbye brings its last frames, and its link is gone', async () => {
    await start();
    const reader = await TestDevice.connect(server.url);
    const link = await open();
    await send(link, 1, hello());
    await readFrames(link, 1);
    const change = new TestWriter('w').next();
    await post({ do: 'close', link, from: 2 }, [push(change)]);
    expect((await reader.next('page')).entries).toMatchObject([{ dot: change.dot }]);
    expect((await poll(link, 1)).status).toBe(410);
  });

  it.each<[string, object, readonly string[], number]>([
    ['another version of the binding', { do: 'open', binding: 2 }, [], 400],
    ['an unknown request on a link', { do: 'sing', link: 'LINK' }, [], 400],
    ['a poll from nowhere', { do: 'poll', link: 'LINK', after: -1 }, [], 400],
    ['a poll behind what was sent', { do: 'poll', link: 'LINK', after: 9 }, [], 400],
    ['frames from 0', { do: 'send', link: 'LINK', from: 0 }, [PING], 400],
    ['frames without a number', { do: 'send', link: 'LINK' }, [PING], 400],
    ['a link of another type', { do: 'poll', link: { toString: 'x' }, after: 0 }, [], 410],
    ['__proto__ as a link', { do: 'poll', link: '__proto__', after: 0 }, [], 410],
    ['more than a frame may be', { do: 'send', link: 'LINK', from: 1 }, ['x'.repeat(1_100_000)], 413],
  ])('[HTP5] %s is refused, and the link goes on', async (_, head, frames, status) => {
    await start();
    const link = await open();
    const whole = JSON.parse(JSON.stringify(head).replace('LINK', link)) as object;
    expect((await post(whole, frames)).status).toBe(status);
    await send(link, 1, hello());
    expect(await readFrames(link, 1)).toMatchObject([{ type: 'welcome' }]);
  });

  it.each(['', 'x', '{}', '[]\n', 'null\n', '{"do":"open","binding":1,"bytes":[5]}\nabc', '{"bytes":[-1,4]}\nabc'])(
    '[HTP5] a body that is none of the binding, %j, is answered 400',
    async (body) => {
      await start();
      expect((await fetch(`${server.url}/sync`, { method: 'POST', body })).status).toBe(400);
      const bytes = Buffer.from(body.replace('abc', '\u00ff'), 'latin1');
      expect((await fetch(`${server.url}/sync`, { method: 'POST', body: bytes })).status).toBe(400);
    },
  );

  it('[HTP6] a frame that is larger than the server allows closes with 1009', async () => {
    await start({ limits: { frameBytes: 1_000 } });
    const link = await open();
    await send(link, 1, hello({ device: 'd'.repeat(1_000) }));
    expect((await poll(link, 0)).head).toMatchObject({ closed: { code: CLOSE.tooLarge } });
  });

  it('[HTP6] a device that does not fetch what is for it is cut off as a slow reader', async () => {
    await start({ limits: { bufferedBytes: 10_000 } });
    const link = await open();
    await send(link, 1, hello());
    await readFrames(link, 1);
    const writer = await TestDevice.connect(server.url);
    const mine = new TestWriter('w');
    const big = { c: 'notes', id: 'n', rv: [], ops: [{ t: 'set', p: 'a', v: 'x'.repeat(20_000), pred: [] }] } as const;
    await writer.push(mine.next({ recs: [big] }));
    const last = await post({ do: 'poll', link, after: 1 });
    expect(last.head).toMatchObject({ closed: { code: CLOSE.tryLater } });
  });

  it('[HTP7] a link that nobody polls, and one that says nothing, are closed', async () => {
    await start({ limits: { linkIdleMs: 300, silenceMs: 60_000 } });
    const link = await open();
    await send(link, 1, hello());
    await expect.poll(() => JSON.stringify(server.logs)).toContain('"connected"');
    await expect
      .poll(async () => (await send(link, 2, PING)) && (await poll(link, 0)).head, { interval: 500, timeout: 10_000 })
      .toMatchObject({ closed: { code: CLOSE.tooSlow } });
    await server[Symbol.asyncDispose]();
    await start({ limits: { helloMs: 200 } });
    expect((await poll(await open(), 0)).head).toMatchObject({ closed: { code: CLOSE.tooSlow, reason: 'TIMEOUT' } });
  });

  it('[HTP7] a poll without anything to say is answered with nothing after a while', async () => {
    await start({ limits: { pollMs: 50 } });
    const link = await open();
    expect(await poll(link, 0)).toMatchObject({ status: 200, head: { from: 1 }, frames: [] });
  });

  it('[HTP8] one address has so many links, all together wait so many to be let in', async () => {
    await start({ trustProxy: true, limits: { linksPerAddress: 2 } });
    const there = { headers: { 'x-forwarded-for': '203.0.113.7' } };
    const links = [await open(there), await open(there)];
    const body = '{"do":"open","binding":1}\n';
    const refused = await fetch(`${server.url}/sync`, { method: 'POST', body, ...there });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    await post({ do: 'close', link: links[0], from: 1 });
    await open(there);
    // This machine may be a proxy that nobody has told of: everybody comes from there.
    await Promise.all([open(), open(), open()]);
    await server[Symbol.asyncDispose]();
    await start({ maxWaiting: 1 });
    await open();
    expect((await post({ do: 'open', binding: 1 })).status).toBe(503);
  });

  it('[HTP8] behind a trusted proxy links are counted by the address that it has seen', async () => {
    await start({ trustProxy: true, limits: { linksPerAddress: 1 } });
    const from = (address: string): RequestInit => ({ headers: { 'x-forwarded-for': `6.6.6.6, ${address}` } });
    await open(from('10.0.0.1'));
    await open(from('10.0.0.2'));
    expect((await post({ do: 'open', binding: 1 }, [], from('10.0.0.2'))).status).toBe(429);
  });

  it('[HTP9] origins are let in as for a WebSocket, and may read the answer', async () => {
    await start({ origins: ['https://app.example'] });
    for (const origin of ['https://evil.example', 'null', 'http://app.example']) {
      expect((await post({ do: 'open', binding: 1 }, [], { headers: { origin } })).status).toBe(403);
    }
    const headers = { origin: 'https://app.example' };
    const link = await open({ headers });
    // A link belongs to its page: another origin cannot use it even if it knows its name.
    const stolen = { headers: { origin: 'https://evil.example' } };
    expect((await post({ do: 'poll', link, after: 0 }, [], stolen)).status).toBe(403);
    const asked = await fetch(`${server.url}/sync`, { method: 'OPTIONS', headers });
    expect([
      asked.status,
      ...['origin', 'credentials', 'methods'].map((name) => asked.headers.get(`access-control-allow-${name}`)),
    ]).toEqual([204, 'https://app.example', 'true', 'POST']);
    expect((await fetch(`${server.url}/other`, { method: 'POST' })).status).toBe(405);
  });

  it('[HTP9] the token is checked as over a WebSocket, with the request that opened the link', async () => {
    const seen: (string | undefined)[] = [];
    await start({
      authenticate: async (token, request) => {
        seen.push(request.headers['user-agent'], request.socket.remoteAddress);
        return token === 'good' ? { id: 'ada' } : null;
      },
    });
    const headers = { 'user-agent': 'a device' };
    const [bad, good] = [await open({ headers }), await open({ headers })];
    await send(bad, 1, hello({ token: 'bad' }));
    const refused = await poll(bad, 0);
    expect(messages(refused)).toMatchObject([{ type: 'error', code: 'AUTH_REQUIRED' }]);
    expect(refused.head).toMatchObject({ closed: { code: CLOSE.unauthenticated } });
    await send(good, 1, hello({ token: 'good' }));
    expect(await readFrames(good, 1)).toMatchObject([{ type: 'welcome' }]);
    expect(seen).toEqual(['a device', '127.0.0.1', 'a device', '127.0.0.1']);
    expect(JSON.stringify(server.logs)).not.toContain(good);
  });

  it('[HTP10] a shutdown is told to whoever polls, and does not wait for who does not', async () => {
    await start();
    const [polling, silent] = [await open(), await open()];
    for (const link of [polling, silent]) await send(link, 1, hello());
    await readFrames(polling, 1);
    const end = poll(polling, 1);
    // By then the poll is held: a request that came after it was answered.
    await send(polling, 2);
    await server.server.close();
    expect((await end).head).toMatchObject({ closed: { code: CLOSE.restart } });
  });
});

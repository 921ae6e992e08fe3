/** Devices that do not play by the rules, over real sockets; what they cost the others. */
import { CLOSE, DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import { afterEach, describe, expect, it } from 'vitest';

import { changeOf, TestDevice, TestWriter, type Closing } from './device.fixture.ts';
import { closeCodeOf, PING, RawPeer, TEXT } from './raw.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import type { SyncServerOptions } from './sync-server.ts';

const HELLO = { type: 'hello', protocol: 1, space: 'notes', device: 'd', cursor: {}, writers: [] } as const;

let server: TestServer;
let writer: TestWriter;

afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer({ storage: memory(), ...options });
  writer = new TestWriter('neighbour');
}

async function expectNothingHappened(): Promise<void> {
  const neighbour = await TestDevice.connect(server.url, { space: 'other', token: 'neighbour' });
  expect(await neighbour.push(writer.next())).not.toHaveProperty('refused');
  await neighbour.close();
  expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
}

const padded = (bytes: number): string => JSON.stringify({ type: 'ping', pad: 'x'.repeat(bytes) });

async function closed(peer: RawPeer): Promise<number | null> {
  await peer.closed;
  return closeCodeOf(peer);
}

describe('broken frames', { timeout: 30_000 }, () => {
  it.each<[string, (peer: RawPeer) => RawPeer, number]>([
    ['text that is not masked', (peer) => peer.frame(TEXT, '{}', { isMasked: false }), 1002],
    ['a reserved kind of frame', (peer) => peer.frame(0x83, 'x'), 1002],
    ['a reserved bit, which says that it is compressed', (peer) => peer.frame(0xc1, 'x'), 1002],
    ['a ping of 126 bytes', (peer) => peer.frame(PING, 'x'.repeat(126)), 1002],
    ['a ping in pieces', (peer) => peer.frame(0x09, 'x'), 1002],
    ['a piece of nothing', (peer) => peer.frame(0x80, 'x'), 1002],
    ['a new frame inside of another', (peer) => peer.frame(0x01, '{').frame(TEXT, '{}'), 1002],
    ['a close of one byte', (peer) => peer.frame(0x88, 'x'), 1002],
    ['a close with a code that nobody may send', (peer) => peer.frame(0x88, Buffer.from([0x03, 0xee])), 1002],
    ['text that is not UTF-8', (peer) => peer.frame(TEXT, Buffer.from([0xc0, 0x80])), 1007],
    ['a frame of four gigabytes', (peer) => peer.write(Buffer.from([TEXT, 0xff, 0, 0, 0, 1, 0, 0, 0, 0])), 1009],
    [
      'a frame longer than numbers go',
      (peer) => peer.write(Buffer.from([TEXT, 0xff, 0xff, ...Array<number>(7).fill(0xff)])),
      1009,
    ],
    [
      'many pieces of one byte',
      (peer) => Array.from({ length: 5_000 }).reduce<RawPeer>((all) => all.frame(0x00, 'x'), peer.frame(0x01, '"')),
      1008,
    ],
  ])('[HST12] %s ends this connection and no other', async (_, send, code) => {
    await start();
    using peer = await RawPeer.upgraded(server.url);
    expect(await closed(send(peer))).toBe(code);
    await expectNothingHappened();
  });

  it('[HST12] no extension is negotiated, whatever is offered', async () => {
    await start();
    const offers = 'permessage-deflate; client_max_window_bits, permessage-bzip2, x-webkit-deflate-frame';
    using peer = await RawPeer.upgraded(server.url, `Sec-WebSocket-Extensions: ${offers}\r\n`);
    expect([peer.status, /extensions/i.test(peer.text)]).toEqual([101, false]);
  });

  it.each<[string, string]>([
    ['a number beyond all', '{"type":"applied","cursor":{"SSSSSSSSSSS":1e400}}'],
    ['a number beyond exactness', '{"type":"applied","cursor":{"SSSSSSSSSSS":9007199254740993}}'],
    ['a cursor of -1', '{"type":"applied","cursor":{"SSSSSSSSSSS":-1}}'],
    ['a cursor of 2^63', '{"type":"applied","cursor":{"SSSSSSSSSSS":9223372036854775808}}'],
    ['minus zero', '{"type":"applied","cursor":{"SSSSSSSSSSS":-0}}'],
    ['NaN', '{"type":"applied","cursor":{"SSSSSSSSSSS":NaN}}'],
    ['text for a number', '{"type":"applied","cursor":{"SSSSSSSSSSS":"1"}}'],
    ['SQL for a server', `{"type":"applied","cursor":{"'; drop table":1}}`],
    ['two spaces', `{"type":"hello","space":"a","space":"b"}`],
    ['a million levels', '['.repeat(1_000_000)],
  ])('[HST13] %s in a frame is a bad frame', async (_, text) => {
    await start();
    const device = await TestDevice.connect(server.url);
    device.send(text);
    expect(await device.closed).toEqual({ code: CLOSE.badFrame, reason: 'BAD_FRAME' });
    await expectNothingHappened();
  });

  it.each<[string, string]>([
    ['a stamp beyond all', '"hlc":1e400'],
    ['a stamp beyond exactness', '"hlc":9007199254740993'],
    ['a negative stamp', '"hlc":-1'],
    ['text for a stamp', '"hlc":"1"'],
    ['a stamp of 128 bits', '"hlc":340282366920938463463374607431768211456'],
    ['minus zero', '"hlc":-0'],
    ['dependencies before all', '"hlc":1,"deps":{"SSSSSSSSSSS":-1}'],
    ['a prototype', '"hlc":1,"__proto__":{"isPermitted":true}'],
  ])('[HST13] %s in a change is refused by its dot, and the session goes on', async (_, member) => {
    await start();
    const device = await TestDevice.connect(server.url);
    const { hlc: _hlc, ...change } = changeOf('BADBADBADBADBADB.1');
    device.send(`{"type":"push","changes":[${JSON.stringify(change).replace('{', `{${member},`)}]}`);
    const answer = await Promise.race([device.next('pushed'), device.closed]);
    if ('code' in answer) expect(answer.code).toBe(CLOSE.badFrame);
    else expect(answer).toMatchObject({ known: { BADBADBADBADBADB: 0 }, refused: { code: 'INVALID_CHANGE' } });
    expect([({} as { isPermitted?: unknown }).isPermitted, Object.keys(Object.prototype)]).toEqual([undefined, []]);
    await expectNothingHappened();
  });
});

describe('too much', { timeout: 30_000 }, () => {
  it('[HST14] who sends too fast is read more slowly, loses nothing, and costs the others nothing', async () => {
    // 50 frames at once, then 10 a second: 300 would take 25 s, in which everybody else is served.
    await start({ limits: { framesPerSecond: 10, silenceMs: 60_000 } });
    const flood = await TestDevice.connect(server.url, { space: 'flood' });
    for (let i = 0; i < 300; i++) flood.send(padded(4_000));
    const neighbour = await TestDevice.connect(server.url);
    for (let i = 0; i < 50; i++) expect(await neighbour.push(writer.next())).not.toHaveProperty('refused');
    const answered = flood.messages.filter(({ type }) => type === 'pong').length;
    expect(answered).toBeGreaterThanOrEqual(20);
    expect(answered).toBeLessThan(300);
    // What it owes is paid in time, and then more is read.
    await flood.until(() => flood.messages.filter(({ type }) => type === 'pong').length > answered);
    expect(flood.socket.readyState).toBe(flood.socket.OPEN);
  });

  it('[HST14] so it is with bytes, of which frames have more and fewer', async () => {
    await start({ limits: { bytesPerSecond: 400_000, silenceMs: 60_000 } });
    const flood = await TestDevice.connect(server.url, { space: 'flood' });
    for (let i = 0; i < 10; i++) flood.send(padded(500_000));
    await flood.until(() => flood.messages.filter(({ type }) => type === 'pong').length >= 2);
    for (let i = 0; i < 20; i++) await expectNothingHappened();
    expect(flood.messages.filter(({ type }) => type === 'pong').length).toBeLessThan(10);
  });

  it('[HST14] all connections of one user are read four times as fast as one, however many they are', async () => {
    const authenticate = async (token: string | undefined): Promise<{ id: string } | null> =>
      token ? { id: token } : null;
    await start({ authenticate, limits: { framesPerSecond: 2, silenceMs: 60_000 } });
    const spaces = Array.from({ length: 30 }, (_, i) => `s${i}`);
    const floods = await Promise.all(
      spaces.map((space, i) => TestDevice.connect(server.url, { space, device: `d${i}`, token: 'eve' })),
    );
    // 10 of each would be let through at once, 300 together; of one user 40, and what came together with them.
    for (const flood of floods) for (let i = 0; i < 15; i++) flood.send(padded(20_000));
    await expectNothingHappened();
    const pongs = (): number => floods.flatMap(({ messages }) => messages.filter(({ type }) => type === 'pong')).length;
    await expect.poll(pongs, { timeout: 10_000 }).toBeGreaterThanOrEqual(40);
    for (let i = 0; i < 20; i++) await expectNothingHappened();
    expect(pongs()).toBeLessThan(300);
  });

  it('[HST14] over HTTP the answer comes later, and who does not wait for it is told so', async () => {
    await start({ limits: { framesPerSecond: 5, silenceMs: 60_000 } });
    const ask = async (head: object, frames: readonly string[] = []): Promise<{ status: number; text: string }> => {
      const whole = { ...head, bytes: frames.map((frame) => Buffer.byteLength(frame)) };
      const body = `${JSON.stringify(whole)}\n${frames.join('')}`;
      const response = await fetch(`${server.url}/sync`, { method: 'POST', body });
      return { status: response.status, text: await response.text() };
    };
    const { link } = JSON.parse((await ask({ do: 'open', binding: 1 })).text) as { link: string };
    expect((await ask({ do: 'send', link, from: 1 }, [JSON.stringify(HELLO)])).status).toBe(200);
    await ask({ do: 'poll', link, after: 0 });
    let isAnswered = false;
    const pings = Array.from({ length: 30 }, () => '{"type":"ping"}');
    const held = ask({ do: 'send', link, from: 2 }, pings).then((answer) => ((isAnswered = true), answer));
    await expect.poll(async () => (await ask({ do: 'poll', link, after: 1 })).text).toContain('pong');
    expect((await ask({ do: 'send', link, from: 32 }, ['{"type":"ping"}'])).status).toBe(429);
    expect(isAnswered).toBe(false);
    expect(JSON.parse((await held).text)).toMatchObject({ received: 31 });
    expect((await ask({ do: 'send', link, from: 32 }, ['{"type":"ping"}'])).status).toBe(200);
  });

  it('[HST15] pings of the WebSocket layer are answered, but not without end', async () => {
    await start();
    const device = await TestDevice.connect(server.url);
    const pong = new Promise<string>((resolve) => device.socket.on('pong', (data) => resolve(String(data))));
    device.socket.ping('here?');
    expect(await pong).toBe('here?');
    using flood = await RawPeer.upgraded(server.url);
    const ping = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([PING, 0x80, 0, 0, 0, 0])));
    flood.write(ping);
    expect([1008, null]).toContain(await closed(flood));
    expect(flood.text.match(/\x8a\x00/g)?.length ?? 0).toBeLessThanOrEqual(60);
    await expectNothingHappened();
  });

  it('[HST16] who asks and does not fetch the answers is cut off before they fill the memory', async () => {
    await start({ limits: { framesPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000, bufferedBytes: 200_000 } });
    using greedy = await RawPeer.upgraded(server.url);
    greedy.socket.pause();
    greedy.frame(TEXT, JSON.stringify(HELLO));
    const isCut = (): boolean => server.logs.some(({ event, code }) => event === 'closed' && code === CLOSE.tryLater);
    const ping = Buffer.concat([Buffer.from([TEXT, 0x8f, 0, 0, 0, 0]), Buffer.from('{"type":"ping"}')]);
    const pings = Buffer.concat(Array.from({ length: 5_000 }, () => ping));
    // Each answer is larger than its question; some megabytes are in the buffers of the two kernels.
    for (let i = 0; i < 400 && !isCut(); i++) {
      greedy.write(pings);
      await expectNothingHappened();
    }
    expect(isCut()).toBe(true);
  });

  it('[HST16] who does not fetch what is due gets two pages of it, however much there is', async () => {
    await start();
    const filler = await TestDevice.connect(server.url);
    for (let i = 0; i < 20; i++) {
      const ops = [{ t: 'set', p: 'body', v: 'x'.repeat(400_000), pred: [] } as const];
      const next = writer.next({ recs: [{ c: 'notes', id: `n${i}`, rv: [], ops }] });
      expect(await filler.push(next)).not.toHaveProperty('refused');
    }
    const slow = await TestDevice.open(server.url);
    slow.hello();
    const beat = setInterval(() => slow.send({ type: 'ping' }), 20);
    await slow.until(() => slow.messages.filter(({ type }) => type === 'pong').length >= 20);
    clearInterval(beat);
    expect(slow.pages).toHaveLength(DEFAULT_LIMITS.pagesInFlight);
    expect(slow.pages.flatMap(({ entries }) => entries).length).toBeLessThan(5);
  });
});

describe('too many', { timeout: 30_000 }, () => {
  const authenticate = async (token: string | undefined): Promise<{ id: string } | null> =>
    token ? { id: token } : null;
  const outcome = async (token: string, rest: object): Promise<Closing | 'welcome'> => {
    const device = await TestDevice.open(server.url);
    device.hello({ token, ...rest });
    return Promise.race([device.closed, device.next('welcome').then(() => 'welcome' as const)]).catch(
      () => device.closed,
    );
  };
  const LIMITED = { code: CLOSE.tryLater, reason: 'RATE_LIMITED' };

  it('[HST17] one user has so many connections, and others are not concerned', async () => {
    await start({ authenticate, limits: { socketsPerUser: 3 } });
    const first = await TestDevice.connect(server.url, { token: 'eve' });
    expect([await outcome('eve', { device: 'a' }), await outcome('eve', { device: 'b' })]).toEqual([
      'welcome',
      'welcome',
    ]);
    expect(await outcome('eve', { device: 'c' })).toEqual(LIMITED);
    expect(await outcome('ada', {})).toBe('welcome');
    await first.close();
    await expect.poll(() => outcome('eve', { device: 'c' })).toBe('welcome');
    expect(server.logs).toContainEqual(
      expect.objectContaining({ event: 'rate-limited', principal: 'eve', from: expect.stringContaining('127.0.0.1') }),
    );
  });

  it('[HST17] one device is connected to so many spaces, and says hello so often', async () => {
    await start({ authenticate, limits: { spacesPerDevice: 2, hellosPerMinute: 6 } });
    expect([await outcome('eve', { space: 'a' }), await outcome('eve', { space: 'b' })]).toEqual([
      'welcome',
      'welcome',
    ]);
    expect(await outcome('eve', { space: 'c' })).toEqual(LIMITED);
    expect(await outcome('eve', { space: 'a' })).toBe('welcome');
    expect(await outcome('eve', { space: 'c', device: 'another' })).toBe('welcome');
    await outcome('eve', { space: 'a' });
    expect(await outcome('eve', { space: 'a' })).toEqual(LIMITED);
    expect(await outcome('ada', { space: 'c' })).toBe('welcome');
  });

  it('[HST17] one user is given so many snapshots at a time, and leaves the others theirs', async () => {
    await start({ authenticate, limits: { snapshotsPerUser: 2 } });
    for (const space of ['a', 'b', 'c']) {
      const device = await TestDevice.connect(server.url, { token: 'ada', space });
      await device.push(new TestWriter(`w${space}`).next());
    }
    const wish = (space: string): object => ({ space, wantsSnapshot: true });
    expect([await outcome('eve', wish('a')), await outcome('eve', wish('b'))]).toEqual(['welcome', 'welcome']);
    expect(await outcome('eve', wish('c'))).toEqual(LIMITED);
    // One that is there already is shared.
    expect([await outcome('eve', wish('a')), await outcome('ada', wish('c'))]).toEqual(['welcome', 'welcome']);
    expect(await outcome('eve', wish('c'))).toBe('welcome');
  });
});

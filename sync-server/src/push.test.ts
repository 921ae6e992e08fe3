import { readFileSync } from 'node:fs';
import {
  canonicalJson,
  decodeDeviceMessage,
  DEFAULT_LIMITS,
  hashOfChange,
  hlcAt,
  type Change,
  type Json,
  type Push,
} from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { changeIn, changeOf, dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import type { SyncServerOptions } from './sync-server.ts';

let server: TestServer;
let nowMs = Date.now();

beforeEach(async () => {
  nowMs = Date.now();
  server = await startServer({ now: () => nowMs });
});

afterEach(() => server[Symbol.asyncDispose]());

describe('pushing', { timeout: 30_000 }, () => {
  it('[PSH1] what is acknowledged reaches the other devices of the space, whole and in log order, and no other space', async () => {
    const [here, there, elsewhere] = await Promise.all([
      TestDevice.connect(server.url),
      TestDevice.connect(server.url),
      TestDevice.connect(server.url, { space: 'other' }),
    ]);
    const writer = new TestWriter('w');
    const changes = writer.many(3);
    expect(await here.push(...changes)).toEqual({ type: 'pushed', known: { [writer.inc]: 3 } });
    const { sid } = here.welcome;
    const entries = await there.readTo(3);
    expect(entries).toEqual(changes.map((change, i) => ({ stamp: [sid, i + 1], dot: change.dot, change })));
    expect(there.pages.at(-1)).toMatchObject({ cursor: { [sid]: 3 }, head: { [sid]: 3 } });
    elsewhere.send({ type: 'ping' });
    await elsewhere.next('pong');
    expect(elsewhere.pages).toEqual([]);
  });

  it('[PSH2] the pusher gets its own entries back by dot and stamp alone, in this session only', async () => {
    const writer = new TestWriter('w');
    const device = await TestDevice.connect(server.url);
    const changes = writer.many(2);
    await device.push(...changes);
    const { sid } = device.welcome;
    expect(await device.readTo(2)).toEqual(changes.map(({ dot, hlc }, i) => ({ stamp: [sid, i + 1], dot, hlc })));
    const again = await TestDevice.connect(server.url, { writers: [writer.inc] });
    expect(again.welcome).toMatchObject({ known: { [writer.inc]: 2 }, cursor: { [sid]: 2 } });
    expect(await again.readTo(2)).toMatchObject(changes.map((change) => ({ change })));
  });

  it('[PSH2] each push of a device alone comes back to it, without anybody else having to write', async () => {
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    for (let seq = 1; seq <= 20; seq++) {
      await device.push(writer.next());
      expect(dotsOf(await device.readTo(seq)).at(-1)).toBe(`${writer.inc}.${seq}`);
    }
  });

  it('[PSH2] what was there before it was pushed is sent with its content: its stamp may be another', async () => {
    const [first, copy] = [await TestDevice.connect(server.url), await TestDevice.open(server.url)];
    const writer = new TestWriter('w');
    const [one, two] = [writer.next(), writer.next()];
    await first.push(one);
    copy.hello();
    await copy.next('welcome');
    const corrected = { ...one, hlc: one.hlc + 1 };
    expect(await copy.push(corrected, two)).toEqual({ type: 'pushed', known: { [writer.inc]: 2 } });
    expect(await copy.readTo(2)).toEqual([
      { stamp: [copy.welcome.sid, 1], dot: one.dot, change: one },
      { stamp: [copy.welcome.sid, 2], dot: two.dot, hlc: two.hlc },
    ]);
  });

  it('[PSH3] dependencies are for admission only: they are checked, not stored', async () => {
    const device = await TestDevice.connect(server.url);
    const { sid } = device.welcome;
    const [first, second] = [new TestWriter('first').next(), new TestWriter('second').next()];
    await device.push(first);
    const behind = await device.push({ ...second, deps: { [sid]: 2 } });
    expect(behind.refused).toMatchObject({ dot: second.dot, code: 'BEHIND' });
    expect((await device.push({ ...second, ex: ['unknown---------.1'] })).refused).toMatchObject({ code: 'BEHIND' });
    expect(await device.push({ ...second, deps: { [sid]: 1 }, ex: [first.dot] })).not.toHaveProperty('refused');
    const reader = await TestDevice.connect(server.url);
    expect(changeIn((await reader.readTo(2))[1])).toEqual(second);
  });

  it('[PSH4] dependencies may be met within one push', async () => {
    const device = await TestDevice.connect(server.url);
    const { sid } = device.welcome;
    const [first, second] = [new TestWriter('first').next(), new TestWriter('second').next()];
    const pushed = await device.push(first, { ...second, deps: { [sid]: 1 }, ex: [first.dot] });
    expect(pushed).toEqual({ type: 'pushed', known: { 'first-----------': 1, 'second----------': 1 } });
  });

  it('[PSH5] a push that comes again is acknowledged again and stored once', async () => {
    const device = await TestDevice.connect(server.url);
    const changes = new TestWriter('w').many(3);
    const first = await device.push(...changes);
    expect(await device.push(...changes)).toEqual(first);
    const other = await TestDevice.connect(server.url);
    expect(await other.push(...changes)).toEqual(first);
    expect(await other.push(changes[0]!, changes[0]!)).toEqual(first);
    const reader = await TestDevice.connect(server.url);
    expect(reader.welcome.cursor).toEqual({ [reader.welcome.sid]: 3 });
    expect(dotsOf(await reader.readTo(3))).toEqual(changes.map(({ dot }) => dot));
  });

  it('[PSH6] a hole in a writer is GAP, and moves nothing', async () => {
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    const [one, two, three] = [writer.next(), writer.next(), writer.next()];
    expect(await device.push(one, three)).toMatchObject({
      known: { [writer.inc]: 1 },
      refused: { dot: three.dot, code: 'GAP' },
    });
    const far = changeOf(`${writer.inc}.1000000002`);
    expect(await device.push(far)).toMatchObject({ known: { [writer.inc]: 1 }, refused: { code: 'GAP' } });
    expect(await device.push(two, three)).toEqual({ type: 'pushed', known: { [writer.inc]: 3 } });
  });

  it('[PSH7] other content under a stored dot is EQUIVOCATION and not acknowledged; the first stays', async () => {
    const device = await TestDevice.connect(server.url);
    const change = new TestWriter('w').next();
    await device.push(change);
    const forged = { ...change, label: 'other' };
    expect((await device.push(forged)).refused).toMatchObject({ dot: change.dot, code: 'EQUIVOCATION' });
    const reordered = JSON.parse(
      JSON.stringify(change, Object.keys(flatKeys(change)).sort().reverse()),
    ) as typeof change;
    expect(hashOfChange(reordered)).toBe(hashOfChange(change));
    expect(await device.push({ ...reordered, deps: {} })).not.toHaveProperty('refused');
    const reader = await TestDevice.connect(server.url);
    expect(await reader.readTo(1)).toMatchObject([{ change }]);
  });

  it('[PSH7] the same dot in two changes of one push is EQUIVOCATION too', async () => {
    const device = await TestDevice.connect(server.url);
    const change = new TestWriter('w').next();
    const pushed = await device.push(change, { ...change, label: 'other' });
    expect(pushed).toMatchObject({ known: { 'w---------------': 1 }, refused: { code: 'EQUIVOCATION' } });
  });

  it('[PSH8] a stamp ahead of the server by more than a minute is CLOCK, with the time to correct by', async () => {
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    const change = writer.next({ hlc: hlcAt(nowMs + 60_001) });
    const pushed = await device.push(change);
    expect(pushed).toMatchObject({ known: { [writer.inc]: 0 }, refused: { code: 'CLOCK', serverTime: nowMs } });
    expect(await device.push({ ...change, hlc: hlcAt(nowMs + 60_000) })).not.toHaveProperty('refused');
    const old = writer.next({ hlc: 1 });
    expect(await device.push(old)).not.toHaveProperty('refused');
    expect(device.welcome.serverTime).toBe(nowMs);
  });

  it('[PSH9] what a newer version wrote passes through unchanged', async () => {
    const device = await TestDevice.connect(server.url);
    const change = new TestWriter('w').next({ kind: 'recover' as never });
    const ops = [{ t: 'text', p: 'body', u: { z: [1.5, 'ü\u2028'], a: null } }];
    const newer = { ...change, schema: 3, recs: [{ ...change.recs[0]!, gen: 7, ops: ops as never }] };
    await device.push(newer);
    const reader = await TestDevice.connect(server.url);
    expect(changeIn((await reader.readTo(1))[0])).toEqual(newer);
  });

  it.each<readonly [string, () => Partial<SyncServerOptions>]>([
    ['memory', () => ({ storage: memory() })],
    ['SQLite', () => ({})],
  ])('[FWD5] golden changes of a newer version come out of %s as they went in', async (_, storage) => {
    nowMs = 1_900_000_000_000;
    const before = server;
    server = await startServer({ ...storage(), now: () => nowMs });
    await before[Symbol.asyncDispose]();
    const push = readFileSync(
      new URL('../../sdk/src/protocol/fixtures/v1/device-push-newer.json', import.meta.url),
      'utf8',
    );
    const device = await TestDevice.connect(server.url);
    device.send(push);
    expect(await device.next('pushed')).not.toHaveProperty('refused');
    const reader = await TestDevice.connect(server.url);
    const decoded = decodeDeviceMessage(push, DEFAULT_LIMITS);
    const { changes } = (decoded as { readonly message: Push }).message;
    const textOf = (change: unknown): string => canonicalJson(change as Json);
    expect((await reader.readTo(2)).map((entry) => textOf(changeIn(entry)))).toEqual(changes.map(textOf));
  });

  it.each(['CLOCK', 'BEHIND', 'GAP', 'EQUIVOCATION', 'FORBIDDEN', 'INVALID_CHANGE'])(
    '[PSH11] a change refused with %s leaves out those behind it, whoever wrote them; those before it stay',
    async (code) => {
      await server[Symbol.asyncDispose]();
      server = await startServer({
        now: () => nowMs,
        authorize: (_, __, ___, change) => change?.label !== 'forbidden',
      });
      const device = await TestDevice.connect(server.url);
      const [before, refused, behind] = [new TestWriter('before'), new TestWriter('refused'), new TestWriter('behind')];
      const stored = refused.next();
      await device.push(stored);
      const middle: Readonly<Record<string, Change>> = {
        CLOCK: refused.next({ hlc: hlcAt(nowMs + 60_001) }),
        BEHIND: changeOf(`${refused.inc}.2`, { ex: ['unknown---------.1'] }),
        GAP: changeOf(`${refused.inc}.3`),
        EQUIVOCATION: { ...stored, label: 'other' },
        FORBIDDEN: changeOf(`${refused.inc}.2`, { label: 'forbidden' }),
        INVALID_CHANGE: changeOf(`${refused.inc}.2`, { recs: 'none' as never }),
      };
      const [first, last] = [before.next(), behind.many(2)];
      expect(await device.push(first, middle[code]!, ...last)).toMatchObject({
        known: { [before.inc]: 1, [refused.inc]: 1, [behind.inc]: 0 },
        refused: { dot: middle[code]!.dot, code },
      });
      // Sent again by themselves they are taken, so they were left out for what stood before them.
      expect(await device.push(...last)).toEqual({ type: 'pushed', known: { [behind.inc]: 2 } });
      const reader = await TestDevice.connect(server.url);
      expect(dotsOf(await reader.readTo(4))).toEqual([stored, first, ...last].map(({ dot }) => dot));
    },
  );

  it('[PSH10] of devices that push at the same time, every change gets a number of its own', async () => {
    const devices = await Promise.all(Array.from({ length: 8 }, () => TestDevice.connect(server.url)));
    await Promise.all(
      devices.map(async (device, i) => {
        const writer = new TestWriter(`w${i}`);
        for (let round = 0; round < 5; round++) await device.push(...writer.many(3));
      }),
    );
    const reader = await TestDevice.connect(server.url);
    const entries = await reader.readTo(120);
    expect(entries.map(({ stamp }) => stamp[1])).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    expect(new Set(dotsOf(entries)).size).toBe(120);
    for (const device of devices) expect(dotsOf(await device.readTo(120))).toEqual(dotsOf(entries));
  });
});

/** Every key in a value, for a JSON text in another order. */
function flatKeys(value: unknown, keys: Record<string, true> = {}): Record<string, true> {
  if (typeof value !== 'object' || value === null) return keys;
  for (const [key, member] of Object.entries(value)) {
    if (!Array.isArray(value)) keys[key] = true;
    flatKeys(member, keys);
  }
  return keys;
}

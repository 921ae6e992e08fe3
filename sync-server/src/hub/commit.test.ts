import type { Change } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { changeIn, dotsOf, TestDevice, TestWriter } from '../device.fixture.ts';
import { startServer, type TestServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';
import { StorageError } from '../storage/port.ts';
import { watched, type Watched } from '../storage/watched.fixture.ts';

let storage: Watched;
let failures: Error[];
let server: TestServer;

beforeEach(async () => {
  storage = watched(memory());
  failures = [];
  server = await startServer({ storage: storage.source, onFailure: (failure) => failures.push(failure) });
});

afterEach(() => server[Symbol.asyncDispose]());

/** The answer shows that the server has taken everything sent before. */
async function settle(device: TestDevice): Promise<void> {
  device.send({ type: 'ping' });
  await device.next('pong');
}

describe('group commit', { timeout: 30_000 }, () => {
  it('[GRP1] what arrives while a commit is under way goes into one transaction, of all spaces together', async () => {
    const release = storage.hold();
    const first = await TestDevice.connect(server.url);
    const pushing = first.push(new TestWriter('first').next());
    await settle(first);
    const others = await Promise.all(
      Array.from({ length: 50 }, (_, i) => TestDevice.connect(server.url, { space: `s${i % 3}` })),
    );
    const pushes = others.map((device, i) => device.push(...new TestWriter(`w${i}`).many(2)));
    await Promise.all(others.map(settle));
    expect(storage.count).toBe(1);
    release();
    const answers = await Promise.all([pushing, ...pushes]);
    expect(storage.count).toBe(2);
    expect(answers.map(({ refused }) => refused)).toEqual(answers.map(() => undefined));
  });

  it('[GRP8] small pushes do not wait for the large ones of other spaces; those of one space keep their order', async () => {
    const release = storage.hold();
    const first = await TestDevice.connect(server.url);
    const pushing = first.push(new TestWriter('first').next());
    await settle(first);
    const large = await Promise.all(
      Array.from({ length: 8 }, (_, i) => TestDevice.connect(server.url, { space: `large${i}` })),
    );
    const order: string[] = [];
    const note = (name: string) => (): void => void order.push(name);
    const filled = (name: string): Change => {
      const change = new TestWriter(name).next();
      return {
        ...change,
        recs: [{ ...change.recs[0]!, ops: [{ t: 'set', p: 'a', v: 'x'.repeat(700_000), pred: [] }] }],
      };
    };
    const pushes = large.map((device, i) => device.push(filled(`l${i}`)).then(note('large')));
    await Promise.all(large.map(settle));
    const small = await TestDevice.connect(server.url, { space: 'small' });
    const behind = await TestDevice.connect(server.url, { space: 'large7' });
    const others = [
      small.push(new TestWriter('small').next()).then(note('small')),
      behind.push(new TestWriter('behind').next()),
    ];
    await Promise.all([small, behind].map(settle));
    release();
    await Promise.all([pushing, ...pushes, ...others]);
    // Two large ones fit into a commit, and the small one into the first of these.
    expect(order.indexOf('small')).toBeLessThanOrEqual(2);
    const reader = await TestDevice.connect(server.url, { space: 'large7' });
    expect(dotsOf(await reader.readTo(2))).toEqual(['l7--------------.1', 'behind----------.1']);
    expect(storage.count).toBeGreaterThanOrEqual(4);
  });

  it('[GRP2] nothing is acknowledged, and nothing shown to anybody, before it is durable', async () => {
    const [writer, reader] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const release = storage.hold();
    writer.send({ type: 'push', changes: [new TestWriter('w').next()] });
    await settle(writer);
    const late = await TestDevice.connect(server.url);
    await settle(reader);
    expect(writer.messages.map(({ type }) => type)).toEqual(['welcome', 'pong']);
    expect(reader.messages.map(({ type }) => type)).toEqual(['welcome', 'pong']);
    expect(late.welcome.cursor).toEqual({});
    release();
    await writer.next('pushed');
    // Who came in while the commit was under way hears of it too.
    expect(await late.readTo(1)).toEqual(await reader.readTo(1));
  });

  it('[GRP3] a push that is refused does not touch those committed with it', async () => {
    const release = storage.hold();
    const first = await TestDevice.connect(server.url);
    const pushing = first.push(new TestWriter('first').next());
    await settle(first);
    const [good, bad] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    const skipped = new TestWriter('bad');
    skipped.next();
    const answers = [bad.push(skipped.next()), good.push(new TestWriter('good').next())];
    await Promise.all([settle(bad), settle(good)]);
    release();
    expect(await Promise.all([pushing, ...answers])).toMatchObject([
      {},
      { refused: { code: 'GAP' } },
      { known: { 'good------------': 1 } },
    ]);
    expect((await answers[1])!.refused).toBeUndefined();
  });

  it.each([
    ['in one transaction', true],
    ['the second while the first is being committed', false],
  ])(
    '[GRP7] the same push in two connections at once, %s, is acknowledged to both and stored once',
    async (_, isBlocked) => {
      const release = storage.hold();
      const [blocker, one, other] = [
        await TestDevice.connect(server.url, { space: 'another' }),
        await TestDevice.connect(server.url),
        await TestDevice.connect(server.url),
      ];
      const blocking = isBlocked ? blocker.push(new TestWriter('blocker').next()) : null;
      await settle(blocker);
      const changes = new TestWriter('w').many(3);
      const answers = [one.push(...changes)];
      await settle(one);
      answers.push(other.push(...changes));
      await settle(other);
      // The transaction that is held has decided already; what came since waits for the next.
      expect(storage.count).toBe(1);
      release();
      await blocking;
      const known = { type: 'pushed', known: { 'w---------------': 3 } };
      expect(await Promise.all(answers)).toEqual([known, known]);
      expect(storage.count).toBe(2);
      const dots = changes.map(({ dot }) => dot);
      for (const device of [one, other]) expect(dotsOf(await device.readTo(3))).toEqual(dots);
      // Who added them has their content already; the other might have had another.
      expect(one.entries.every((entry) => changeIn(entry) === undefined)).toBe(true);
      expect(other.entries.map(changeIn)).toEqual(changes);
      expect(one.pages.at(-1)!.head).toEqual({ [one.welcome.sid]: 3 });
    },
  );

  it('[GRP4] a full disk is STORAGE_FULL; reading goes on, and so does writing when there is space again', async () => {
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    const [one, two] = [writer.next(), writer.next()];
    await device.push(one);
    storage.failWith(new StorageError('full', 'the disk is full'));
    expect(await device.push(two)).toMatchObject({
      known: { [writer.inc]: 1 },
      refused: { dot: two.dot, code: 'STORAGE_FULL' },
    });
    const reader = await TestDevice.connect(server.url);
    expect(await reader.readTo(1)).toMatchObject([{ change: one }]);
    storage.failWith(null);
    expect(await device.push(two)).toEqual({ type: 'pushed', known: { [writer.inc]: 2 } });
    expect(failures).toEqual([]);
  });

  it('[GRP5] a failed disk acknowledges nothing, is reported once and lets nobody in any more', async () => {
    const [device, other] = [await TestDevice.connect(server.url), await TestDevice.connect(server.url)];
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    storage.failWith(new StorageError('broken', 'the disk failed: SQLITE_IOERR_FSYNC'));
    device.send({ type: 'push', changes: [new TestWriter('w').next()] });
    other.send({ type: 'push', changes: [new TestWriter('v').next()] });
    expect(await Promise.all([device.closed, other.closed])).toEqual([
      { code: 1013, reason: 'INTERNAL' },
      { code: 1013, reason: 'INTERNAL' },
    ]);
    expect(device.messages.map(({ type }) => type)).toEqual(['welcome', 'error']);
    expect(failures).toHaveLength(1);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await expect(TestDevice.open(server.url)).rejects.toThrow('503');
  });

  it('[GRP6] a bug in a transaction is told by a reference only, and the next transaction works', async () => {
    const device = await TestDevice.connect(server.url);
    const change = new TestWriter('w').next();
    storage.failWith(new TypeError(`cannot read ${change.dot} of /var/secret`));
    device.send({ type: 'push', changes: [change] });
    expect(await device.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    const message = device.messages.at(-1) as { message: string };
    const failed = server.logs.find(({ event }) => event === 'failed')!;
    expect(message.message).toContain(failed['reference']);
    expect(JSON.stringify([message, failed])).not.toContain('secret');
    storage.failWith(null);
    const again = await TestDevice.connect(server.url);
    expect(await again.push(change)).not.toHaveProperty('refused');
  });
});

/** What somebody who was let in can do to spaces: to those of others, and to one that others share. */
import { CLOSE, hlcAt, type Change, type Op } from '@skerry/sdk/kernel';
import { afterEach, describe, expect, it } from 'vitest';

import { changeOf, dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import type { Access } from './hub/access.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import type { SyncServerOptions } from './sync-server.ts';

/** Two tenants, told apart by the token; each has the spaces of its name. */
const TENANTS: Access = {
  authenticate: async (token) => (token ? { id: token } : null),
  authorize: (principal, _action, space) => space.startsWith(`${principal!.id.slice(0, 2)}-`),
};

const DAY_MS = 86_400_000;

let server: TestServer;

afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer(options);
}

const set = (p: string, v: string, pred: readonly string[] = []): Op => ({ t: 'set', p, v, pred });

/** Some rounds of upkeep at this time. */
async function passing(_nowMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 60));
}

function writeOf(writer: TestWriter, id: string, ops: readonly Op[], rv: readonly string[] = []): Change {
  return writer.next({ recs: [{ c: 'notes', id, rv, ops }] });
}

describe('spaces of others', { timeout: 30_000 }, () => {
  it('[HST18] whatever is guessed of a space, nobody of another tenant gets a byte of it or changes it', async () => {
    await start(TENANTS);
    const zoe = await TestDevice.connect(server.url, { token: 'T2-zoe', space: 'T2-plans' });
    const theirs = writeOf(new TestWriter('zoe'), 'secret-row', [set('title', 'canary')]);
    await zoe.push(theirs);
    const { sid } = zoe.welcome;
    const taken = await TestDevice.connect(server.url, { token: 'T2-zoe', space: 'T2-plans', wantsSnapshot: true });
    const { id } = taken.welcome.bootstrap!;

    const eve = await TestDevice.connect(server.url, { token: 'T1-eve', space: 'T1-own' });
    const peers: TestDevice[] = [eve];
    const refused = async (hello: object): Promise<void> => {
      const peer = await TestDevice.open(server.url);
      peers.push(peer);
      peer.hello({ token: 'T1-eve', ...hello });
      expect([hello, await peer.closed]).toEqual([hello, { code: CLOSE.forbidden, reason: 'FORBIDDEN' }]);
    };
    await refused({ space: 'T2-plans' });
    await refused({ space: 'T2-plans', cursor: { [sid]: 1 } });
    await refused({ space: 'T2-plans', wantsSnapshot: true, resume: { id, next: 0 } });
    await refused({ space: 'T2-plans', device: 'd', peer: sid });
    await refused({ space: 'T2-nowhere' });
    // A snapshot of theirs, asked for in a space of her own.
    const resumed = await TestDevice.connect(server.url, {
      token: 'T1-eve',
      space: 'T1-own',
      wantsSnapshot: true,
      resume: { id, next: 0 },
    });
    peers.push(resumed);
    expect(resumed.welcome.bootstrap!.id).not.toBe(id);
    resumed.send({ type: 'staged', id, piece: 0 });
    expect((await resumed.closed).code).toBe(CLOSE.outOfOrder);
    // Their row, their dots, their numbers, from her own space: it is another row there, and theirs is as it was.
    const mine = new TestWriter('eve');
    const same = writeOf(mine, 'secret-row', [set('title', 'mine', [theirs.dot])], [theirs.dot]);
    expect(await eve.push(same)).not.toHaveProperty('refused');
    const depends = { ...writeOf(mine, 'other', [set('title', 'x')]), deps: { [sid]: 99 } };
    expect((await eve.push(depends)).refused).toMatchObject({ code: 'BEHIND' });
    const inTheirName = new TestWriter('zoe');
    inTheirName.next();
    const next = inTheirName.next();
    expect((await eve.push(next)).refused).toMatchObject({ code: 'GAP' });
    // Their writer begins again in her space, as somebody else's: nothing of it is known there.
    expect(await eve.push(theirs)).toEqual({ type: 'pushed', known: { [new TestWriter('zoe').inc]: 1 } });

    const reader = await TestDevice.connect(server.url, { token: 'T2-zoe', space: 'T2-plans' });
    expect(dotsOf(await reader.readTo(1))).toEqual([theirs.dot]);
    expect(reader.welcome.cursor).toEqual({ [sid]: 1 });
    const others = peers.flatMap(({ texts }) => texts).join('');
    expect(others.length).toBeGreaterThan(500);
    // The only canary she has seen is the one that she sent herself, and that comes back without its content.
    expect(others).not.toContain('canary');
  });

  it('[HST18] a frame that was recorded in one session is nothing in the session of another user', async () => {
    await start({ ...TENANTS, authorize: () => true });
    const ada = await TestDevice.connect(server.url, { token: 'ada' });
    const [one, two] = new TestWriter('ada').many(2);
    await ada.push(one!);
    const eve = await TestDevice.connect(server.url, { token: 'eve' });
    // Again the same is no news; what goes on in her name is refused.
    expect(await eve.push(one!)).not.toHaveProperty('refused');
    expect((await eve.push(two!)).refused).toMatchObject({ code: 'FORBIDDEN' });
    expect(await ada.push(one!, two!)).not.toHaveProperty('refused');
    const reader = await TestDevice.connect(server.url, { token: 'ada' });
    expect(dotsOf(await reader.readTo(2))).toEqual([one!.dot, two!.dot]);
  });

  it('[HST19] what a device claims to have lets nothing be forgotten for the others', async () => {
    let nowMs = Date.now();
    const retention = { logMs: DAY_MS, tombstoneMs: DAY_MS };
    await start({ maintenanceMs: 20, retention, now: () => nowMs });
    const older = await TestDevice.connect(server.url, { space: 'older' });
    await older.push(new TestWriter('o').next());
    // What is written so much later is kept for so much longer, whatever anybody claims to have.
    for (let i = 0; i < 12; i++) await passing((nowMs += DAY_MS / 16));
    const liar = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    const made = writer.next();
    const gone = writer.next({
      recs: [{ ...made.recs[0]!, rv: [made.dot], ops: [{ t: 'life', v: 'dead', pred: [made.dot] }] }],
    });
    await liar.push(made, gone);
    const { sid } = liar.welcome;
    await liar.next('page');
    for (const cursor of [{ [sid]: 2 }, { [sid]: 2, AAAAAAAAAAA: 0 }]) liar.applied(cursor);
    liar.applied({ [sid]: 2, AAAAAAAAAAA: 5 });
    expect((await liar.closed).code).toBe(CLOSE.outOfOrder);
    const forger = await TestDevice.connect(server.url, { cursor: { [sid]: 2 } });
    forger.applied({ [sid]: 1_000_000 });
    expect((await forger.closed).code).toBe(CLOSE.outOfOrder);
    const isCompacted = (): boolean => server.logs.some(({ event }) => event === 'compacted');
    for (let i = 0; i < 15 && !isCompacted(); i++) await passing((nowMs += DAY_MS / 16));
    await expect.poll(isCompacted).toBe(true);
    const reader = await TestDevice.connect(server.url);
    expect(dotsOf(await reader.readTo(2))).toEqual([made.dot, gone.dot]);
    const gap = await TestDevice.connect(server.url, { space: 'older' });
    expect(gap.welcome).toHaveProperty('bootstrap');
  });

  it('[HST20] who says that it is a server is asked who it is as any device, and gets no more than one', async () => {
    await start(TENANTS);
    const zoe = await TestDevice.connect(server.url, { token: 'T2-zoe', space: 'T2-plans' });
    await zoe.push(new TestWriter('zoe').next());
    const { sid } = zoe.welcome;
    for (const hello of [{}, { token: 'T1-eve' }]) {
      for (const peer of ['SSSSSSSSSSS', sid]) {
        const server2 = await TestDevice.open(server.url);
        server2.hello({ ...hello, space: 'T2-plans', peer });
        const code = 'token' in hello ? CLOSE.forbidden : CLOSE.unauthenticated;
        expect((await server2.closed).code).toBe(code);
        expect(server2.messages.map(({ type }) => type)).toEqual(['error']);
      }
    }
    // Entries with stamps of their own are not what a device may send, and neither are control entries.
    const liar = await TestDevice.connect(server.url, { token: 'T2-zoe', space: 'T2-plans', peer: 'SSSSSSSSSSS' });
    const control = { t: 'pub', knows: { [sid]: 99 }, horizon: { [sid]: 99 } };
    liar.send(
      JSON.stringify({ type: 'page', entries: [{ stamp: ['SSSSSSSSSSS', 1], control }], cursor: {}, head: {} }),
    );
    expect((await liar.closed).code).toBe(CLOSE.badFrame);
  });
});

describe('a space that others share', { timeout: 30_000 }, () => {
  it('[HST21] a record that would fit into no frame is refused; who comes new gets all the others and what is there of it', async () => {
    await start({ maxWaiting: 10 });
    const device = await TestDevice.connect(server.url);
    const writers = ['a', 'b', 'c'].map((name) => new TestWriter(name));
    const answers = [];
    // Versions of one text that nobody has settled, and then other fields of the same row.
    for (const writer of writers)
      answers.push(await device.push(writeOf(writer, 'large', [set('body', 'x'.repeat(400_000))])));
    expect(answers.map(({ refused }) => refused?.code)).toEqual([undefined, undefined, 'TOO_LARGE']);
    const fields = await device.push(writeOf(new TestWriter('d'), 'large', [set('more', 'x'.repeat(400_000))]));
    expect(fields.refused).toMatchObject({ code: 'TOO_LARGE' });
    expect(await device.push(writeOf(new TestWriter('e'), 'small', [set('body', 'x')]))).not.toHaveProperty('refused');
    const fresh = await TestDevice.connect(server.url, { wantsSnapshot: true });
    const { id, pieces, records } = fresh.welcome.bootstrap!;
    for (let piece = 0; piece < pieces; piece++) {
      await fresh.next('snapshot');
      fresh.send({ type: 'staged', id, piece });
    }
    // A frame that is too large would have been none to the device.
    expect(records).toBe(2);
  });

  it('[HST21] however long the names of its writers are, a piece of a snapshot is a frame', async () => {
    await start();
    const device = await TestDevice.connect(server.url);
    const name = 'n'.repeat(100);
    const writerOf = (i: number): object => ({
      user: { id: `u${i}`.padEnd(200, 'x'), name },
      device: { id: `d${i}`.padEnd(200, 'x'), name },
    });
    for (let push = 0; push < 9; push++) {
      const changes = Array.from({ length: 100 }, (_, i) => {
        const n = push * 100 + i;
        const change = writeOf(new TestWriter(`w${n}`), 'shared', [set(`field${n}`, 'x'.repeat(900))]);
        return { ...change, writer: writerOf(n) } as Change;
      });
      expect(await device.push(...changes)).not.toHaveProperty('refused');
    }
    const fresh = await TestDevice.connect(server.url, { wantsSnapshot: true });
    const { records, writers } = await fresh.next('snapshot');
    expect(records).toHaveLength(1);
    expect(writers.length).toBeGreaterThan(50);
    expect(writers.length).toBeLessThan(900);
  });

  it('[HST22] versions that nobody settles end where one write can settle them all', async () => {
    await start({ limits: { siblingsPerField: 20 } });
    const device = await TestDevice.connect(server.url);
    const writes = Array.from({ length: 25 }, (_, i) => writeOf(new TestWriter(`w${i}`), 'n', [set('title', `${i}`)]));
    const { refused } = await device.push(...writes);
    expect(refused).toMatchObject({ dot: writes[20]!.dot, code: 'TOO_LARGE' });
    const seen = writes.slice(0, 20).map(({ dot }) => dot);
    const settle = writeOf(new TestWriter('s'), 'n', [set('title', 'settled', seen)], seen);
    expect(await device.push(settle)).not.toHaveProperty('refused');
    expect(await device.push(writes[20]!)).not.toHaveProperty('refused');
  });

  it('[HST23] a full space takes nothing more, is read as before, and has room again for who deletes; others are not concerned', async () => {
    await start({ limits: { spaceBytes: 60_000 } });
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    const rows: Change[] = [];
    let full = null;
    while (full === null && rows.length < 100) {
      const change = writeOf(writer, `n${rows.length}`, [
        { t: 'life', v: 'live', pred: [] },
        set('body', 'x'.repeat(2_000)),
      ]);
      full = (await device.push(change)).refused ?? null;
      if (full === null) rows.push(change);
    }
    expect(full).toMatchObject({ code: 'STORAGE_FULL' });
    expect(rows.length).toBeGreaterThan(5);
    const elsewhere = await TestDevice.connect(server.url, { space: 'other' });
    expect(await elsewhere.push(new TestWriter('o').next())).not.toHaveProperty('refused');
    const reader = await TestDevice.connect(server.url);
    expect(await reader.readTo(rows.length)).toHaveLength(rows.length);
    const cleaner = new TestWriter('c');
    for (const { dot, recs } of rows) {
      const gone = writeOf(cleaner, recs[0]!.id, [{ t: 'life', v: 'dead', pred: [dot] }], [dot]);
      expect(await device.push(gone)).not.toHaveProperty('refused');
    }
    expect(await device.push(changeOf('LATELATELATELATE.1'))).not.toHaveProperty('refused');
  });
});

describe('what answers and logs say', { timeout: 30_000 }, () => {
  const LEAKS =
    /[/\\](?:src|node_modules|home|tmp|work|var)[/\\]|\.ts\b|\.js\b|\bat \w+ \(|SELECT |INSERT |sqlite|SQLITE|better-|TypeError|RangeError/;

  it('[HST24] an answer says a code and what to do: no place in the code, no path, no SQL, nothing of others', async () => {
    const broken: Access = {
      authenticate: async (token) => {
        if (token === 'crash') throw new TypeError('SELECT secret FROM /var/lib/canary at f (x.ts:1)');
        return token ? { id: token } : null;
      },
      authorize: (principal, action, space, change) => {
        if (change?.label === 'crash') throw new RangeError('/var/lib/canary');
        return space !== 'closed' && (action === 'read' || principal!.id !== 'reader');
      },
    };
    await start({ ...broken, limits: { spaceBytes: 100_000 } });
    const other = await TestDevice.connect(server.url, { token: 'ada' });
    await other.push(new TestWriter('other').next());
    const secret = await TestDevice.connect(server.url, { token: 'ada', space: 'secret' });
    await secret.push(writeOf(new TestWriter('secret'), 'canary-row', [set('canary', 'canary')]));
    const said: string[] = [];
    const codes = new Set<string>();
    const listen = (peer: TestDevice): void => {
      said.push(...peer.texts);
      for (const message of peer.messages) {
        if (message.type === 'error') codes.add(message.code);
        if (message.type === 'pushed' && message.refused) codes.add(message.refused.code);
      }
    };
    for (const hello of [
      {},
      { token: 'crash' },
      { token: 'ada', space: 'closed' },
      { token: 'ada', cursor: { SSSSSSSSSSS: 1 } },
      { token: 'ada', protocol: 2 },
      { token: 'ada', space: '' },
    ]) {
      const peer = await TestDevice.open(server.url);
      peer.hello(hello as object);
      await peer.closed;
      listen(peer);
    }
    const { sid } = other.welcome;
    const changes: readonly object[] = [
      { ...changeOf('AAAAAAAAAAAAAAAA.1'), hlc: 'x' },
      { ...changeOf('AAAAAAAAAAAAAAAA.2') },
      { ...changeOf('AAAAAAAAAAAAAAAA.1'), deps: { [sid]: 999 } },
      { ...changeOf('AAAAAAAAAAAAAAAA.1'), hlc: hlcAt(Date.now() + 3_600_000) },
      { ...changeOf('AAAAAAAAAAAAAAAA.1'), label: 'crash' },
      changeOf('other-----------.1', { label: 'another' }),
      {
        ...changeOf('AAAAAAAAAAAAAAAA.1'),
        recs: [{ c: 'notes', id: 'x', rv: [], ops: [set('a', 'x'.repeat(90_000))] }],
      },
    ];
    for (const change of changes) {
      const peer = await TestDevice.connect(server.url, { token: 'ada', space: 'notes' });
      peer.send(JSON.stringify({ type: 'push', changes: [change] }));
      await Promise.race([peer.next('pushed').catch(() => undefined), peer.closed]);
      listen(peer);
    }
    const reader = await TestDevice.connect(server.url, { token: 'reader', space: 'notes2' });
    await reader.push(changeOf('BBBBBBBBBBBBBBBB.1'));
    listen(reader);
    for (const path of ['/%00', '/x', '/sync', '/readyz']) said.push(await (await fetch(server.url + path)).text());
    for (const body of ['x', '{"do":"poll","link":"x"}\n', '{"do":"open","binding":7}\n'])
      said.push(await (await fetch(`${server.url}/sync`, { method: 'POST', body })).text());
    expect([...codes].sort()).toEqual(
      [
        'AUTH_REQUIRED',
        'BAD_FRAME',
        'BEHIND',
        'CLOCK',
        'EQUIVOCATION',
        'FORBIDDEN',
        'GAP',
        'INTERNAL',
        'INVALID_CHANGE',
        'SERVER_REPLACED',
        'STORAGE_FULL',
        'UPGRADE_REQUIRED',
      ].sort(),
    );
    expect(said.filter((text) => LEAKS.test(text))).toEqual([]);
    expect(said.join('')).not.toContain('canary');
  });

  it('[HST25] what a guard should see is in the log, with who and from where; nothing of what was written', async () => {
    await start({ ...TENANTS, trustProxy: true, limits: { socketsPerUser: 2 } });
    const client = { headers: { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' } };
    const say = async (hello: object): Promise<void> => {
      const peer = await TestDevice.open(server.url, { client });
      peer.hello(hello);
      await peer.closed;
    };
    await say({});
    await say({ token: 'T1-eve', space: 'T2-plans' });
    await expect(
      TestDevice.open(server.url, { client: { headers: { ...client.headers, origin: 'https://evil.example' } } }),
    ).rejects.toThrow('403');
    const eve = await TestDevice.connect(server.url, { client, token: 'T1-eve', space: 'T1-own' });
    const one = changeOf('canarycanarycana.1');
    await eve.push({ ...one, hlc: hlcAt(Date.now() + 3_600_000) });
    await eve.push(one);
    await eve.push({ ...one, label: 'canary' });
    await TestDevice.connect(server.url, { client, token: 'T1-eve', space: 'T1-own' });
    await say({ token: 'T1-eve', space: 'T1-own' });
    const from = '203.0.113.7';
    const principal = 'T1-eve';
    for (const line of [
      { event: 'unauthenticated', from },
      { event: 'forbidden', from, principal },
      { event: 'upgrade-refused', status: 403, from, origin: 'https://evil.example' },
      { event: 'refused', code: 'CLOCK', from, principal },
      { event: 'refused', code: 'EQUIVOCATION', from, principal },
      { event: 'rate-limited', from, principal },
    ])
      expect(server.logs).toContainEqual(expect.objectContaining(line));
    expect(JSON.stringify(server.logs)).not.toContain('canary');
  });
});

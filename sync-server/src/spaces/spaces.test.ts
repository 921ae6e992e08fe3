import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CLOSE, type Change } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from '../device.fixture.ts';
import { startServer, type TestServer } from '../server.fixture.ts';
import type { AccessRows } from '../storage/access-rows.ts';
import { memory } from '../storage/memory.ts';
import type { Storage } from '../storage/port.ts';
import { createLogger } from '../log.ts';
import { createSyncServer, type SyncServerOptions } from '../sync-server.ts';
import { SPACES_LIMITS } from './limits.ts';
import { asUser, BY_NAME } from './spaces.fixture.ts';

const DAY_MS = 86_400_000;

let server: TestServer;
let nowMs = Date.now();

beforeEach(() => {
  nowMs = Date.now();
});

afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer({ ...BY_NAME, now: () => nowMs, ...options });
}

const [anna, bob, cleo, zoe] = ['anna', 'bob', 'cleo', 'zoe'].map((name) => asUser(() => server.url, name)) as [
  ReturnType<typeof asUser>,
  ReturnType<typeof asUser>,
  ReturnType<typeof asUser>,
  ReturnType<typeof asUser>,
];

async function createSpace(name = 'Team'): Promise<string> {
  return (await anna('POST', 'spaces', { name })).body.id as string;
}

/** Lets them in, as anna would. */
async function letIn(space: string, ask: typeof anna, role = 'writer'): Promise<void> {
  const { body } = await anna('POST', `spaces/${space}/invitations`, { role });
  expect(await ask('POST', 'spaces/join', { code: body.code })).toMatchObject({ status: 200, body: { role } });
}

function bound(storage: Storage, name: keyof Storage): unknown {
  const member = storage[name];
  return typeof member === 'function' ? member.bind(storage) : member;
}

function connect(token: string, space: string, device = `device of ${token}`): Promise<TestDevice> {
  return TestDevice.connect(server.url, { token, space, device });
}

async function refusal(token: string, space: string, device = `device of ${token}`): Promise<unknown> {
  const peer = await TestDevice.open(server.url);
  peer.hello({ token, space, device });
  const { code } = await peer.closed;
  return { code, messages: peer.messages };
}

const NOT_FOUND = { status: 404, body: { error: { code: 'NOT_FOUND' } } };
const FORBIDDEN = { status: 403, body: { error: { code: 'FORBIDDEN' } } };
const REVOKED = { code: CLOSE.forbidden, messages: [expect.objectContaining({ code: 'ACCESS_REVOKED' })] };

describe('spaces with members', { timeout: 30_000 }, () => {
  it('[SPA1] who makes a space owns it, and nobody else is in it', async () => {
    await start();
    const { status, body } = await anna('POST', 'spaces', { name: 'Team' });
    expect([status, body]).toEqual([200, { id: expect.stringMatching(/^[\w-]{22}$/), name: 'Team', role: 'owner' }]);
    expect((await anna('GET', 'spaces')).body).toEqual({ spaces: [body] });
    expect((await bob('GET', 'spaces')).body).toEqual({ spaces: [] });
    expect((await anna('GET', `spaces/${body.id}/members`)).body).toEqual({
      members: [{ user: { id: 'anna', name: 'ANNA' }, role: 'owner', since: nowMs }],
    });
    const device = await connect('anna', body.id);
    expect(await device.push(new TestWriter('anna').next())).not.toHaveProperty('refused');
  });

  it('[SPA2] what is not there and what is somebody else’s is answered alike, on every way in', async () => {
    await start();
    const space = await createSpace();
    const { body } = await anna('POST', `spaces/${space}/invitations`, {});
    const ways = (id: string): readonly (readonly [string, string, unknown?])[] => [
      ['GET', `spaces/${id}/members`],
      ['PUT', `spaces/${id}/members/anna`, { role: 'reader' }],
      ['DELETE', `spaces/${id}/members/anna`],
      ['DELETE', `spaces/${id}/membership`],
      ['GET', `spaces/${id}/invitations`],
      ['POST', `spaces/${id}/invitations`, { role: 'owner' }],
      ['DELETE', `spaces/${id}/invitations/${body.id}`],
    ];
    const asked = async (id: string): Promise<readonly unknown[]> =>
      Promise.all(ways(id).map(async (way) => ({ ...(await zoe(...way)), headers: null })));
    const [theirs, none] = [await asked(space), await asked('AAAAAAAAAAAAAAAAAAAAAA')];
    expect(theirs).toEqual(none);
    for (const answer of theirs) expect(answer).toMatchObject(NOT_FOUND);
    expect(await refusal('zoe', space)).toEqual(await refusal('zoe', 'AAAAAAAAAAAAAAAAAAAAAA'));
    expect(await refusal('zoe', space)).toMatchObject({ code: CLOSE.forbidden, messages: [{ code: 'FORBIDDEN' }] });
    // Nor over a link that was opened by POST, nor by a cursor that somebody in there has.
    const member = await connect('anna', space);
    await member.push(new TestWriter('anna').next());
    const peer = await TestDevice.open(server.url);
    peer.hello({ token: 'zoe', space, device: 'z', cursor: member.welcome.cursor, wantsSnapshot: true });
    expect((await peer.closed).code).toBe(CLOSE.forbidden);
    expect(await anna('GET', `spaces/${space}/members`)).toMatchObject({ body: { members: [{ role: 'owner' }] } });
  });

  it('[SPA3] a reader reads and writes nothing; a writer writes; only an owner says who else may', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob, 'reader');
    await letIn(space, cleo, 'writer');
    const [owner, reader, writer] = [
      await connect('anna', space),
      await connect('bob', space),
      await connect('cleo', space),
    ];
    const [mine, theirs] = [new TestWriter('cleo'), new TestWriter('bob')];
    expect(await writer.push(mine.next())).not.toHaveProperty('refused');
    const refused = theirs.next();
    expect((await reader.push(refused)).refused).toMatchObject({ dot: refused.dot, code: 'FORBIDDEN' });
    expect(await reader.readTo(1)).toHaveLength(1);
    expect(await owner.readTo(1)).toHaveLength(1);
    for (const ask of [bob, cleo]) {
      expect(await ask('POST', `spaces/${space}/invitations`, {})).toMatchObject(FORBIDDEN);
      expect(await ask('GET', `spaces/${space}/invitations`)).toMatchObject(FORBIDDEN);
      expect(await ask('PUT', `spaces/${space}/members/anna`, { role: 'reader' })).toMatchObject(FORBIDDEN);
      expect(await ask('DELETE', `spaces/${space}/members/anna`)).toMatchObject(FORBIDDEN);
      expect((await ask('GET', `spaces/${space}/members`)).body.members).toHaveLength(3);
    }
  });

  it('[SPA4] another role holds for the connections that are open', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob, 'reader');
    const device = await connect('bob', space);
    const writer = new TestWriter('bob');
    const change = writer.next();
    expect((await device.push(change)).refused).toMatchObject({ code: 'FORBIDDEN' });
    expect((await anna('PUT', `spaces/${space}/members/bob`, { role: 'writer' })).status).toBe(200);
    expect(await device.push(change)).not.toHaveProperty('refused');
    await anna('PUT', `spaces/${space}/members/bob`, { role: 'reader' });
    expect((await device.push(writer.next())).refused).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('[SPA5] who is removed is out at once: the open socket, the next hello, an old cursor; and is told so', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob);
    const [owner, device] = [await connect('anna', space), await connect('bob', space)];
    const writer = new TestWriter('bob');
    await device.push(writer.next());
    expect((await anna('DELETE', `spaces/${space}/members/bob`)).status).toBe(200);
    expect(await device.closed).toEqual({ code: CLOSE.forbidden, reason: 'ACCESS_REVOKED' });
    // What was written before and what is written after stays with its device: nothing of it comes in.
    await owner.push(new TestWriter('anna').next());
    expect(await refusal('bob', space)).toEqual(REVOKED);
    const peer = await TestDevice.open(server.url);
    peer.hello({ token: 'bob', space, device: 'device of bob', cursor: device.welcome.cursor });
    peer.send({ type: 'push', changes: [writer.next()] });
    expect((await peer.closed).code).toBeGreaterThan(4_399);
    expect(peer.pages).toEqual([]);
    expect((await connect('anna', space, 'another')).welcome.cursor).toEqual({ [owner.welcome.sid]: 2 });
    expect((await bob('GET', 'spaces')).body).toEqual({ spaces: [] });
    expect(await bob('GET', `spaces/${space}/members`)).toMatchObject(NOT_FOUND);
  });

  it('[SPA6] who comes back later gets everything that there is, without a gap', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob);
    const [owner, device] = [await connect('anna', space), await connect('bob', space)];
    const writer = new TestWriter('anna');
    await owner.push(writer.next());
    const seen = await device.readTo(1);
    await anna('DELETE', `spaces/${space}/members/bob`);
    await device.closed;
    await owner.push(writer.next());
    await letIn(space, bob, 'reader');
    const cursor = { [owner.welcome.sid]: 1 };
    const again = await TestDevice.connect(server.url, { token: 'bob', space, device: 'device of bob', cursor });
    expect(seen).toHaveLength(1);
    expect((await again.readTo(2)).map(({ stamp }) => stamp[1])).toEqual([2]);
    const fresh = await connect('bob', space, 'another');
    expect((await fresh.readTo(2)).map(({ stamp }) => stamp[1])).toEqual([1, 2]);
  });

  it('[SPA7] a member leaves; a space that others are in keeps an owner', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob);
    expect(await anna('DELETE', `spaces/${space}/membership`)).toMatchObject(FORBIDDEN);
    expect(await anna('PUT', `spaces/${space}/members/anna`, { role: 'writer' })).toMatchObject(FORBIDDEN);
    expect(await anna('DELETE', `spaces/${space}/members/anna`)).toMatchObject(FORBIDDEN);
    await anna('PUT', `spaces/${space}/members/bob`, { role: 'owner' });
    const device = await connect('anna', space);
    expect((await anna('DELETE', `spaces/${space}/membership`)).status).toBe(200);
    expect((await device.closed).code).toBe(CLOSE.forbidden);
    expect((await bob('GET', `spaces/${space}/members`)).body.members).toMatchObject([{ user: { id: 'bob' } }]);
    // The last one may go, and then nobody is there.
    expect((await bob('DELETE', `spaces/${space}/membership`)).status).toBe(200);
    expect(await refusal('bob', space)).toEqual(REVOKED);
  });

  it('[SPA8] a space that is called after its user with a ~ is theirs alone', async () => {
    await start();
    const device = await connect('anna', '~anna');
    expect(await device.push(new TestWriter('anna').next())).not.toHaveProperty('refused');
    expect(await refusal('bob', '~anna')).toMatchObject({ messages: [{ code: 'FORBIDDEN' }] });
  });

  it('[SPA9] one space knows nothing of another: an id, a row or a writer of the other changes nothing there', async () => {
    await start();
    const [space, other] = [await createSpace('One'), (await zoe('POST', 'spaces', {})).body.id as string];
    const canary = 'a canary in the other space';
    const theirs = await connect('zoe', other);
    const secret: Change = new TestWriter('zoe').next({ label: canary });
    await theirs.push(secret);
    const device = await connect('anna', space);
    const rewritten = new TestWriter('anna').next();
    // The id of a row there, and the dot of a change there.
    await device.push({ ...rewritten, recs: [{ ...rewritten.recs[0]!, id: secret.recs[0]!.id }] });
    await device.push({ ...secret, label: 'mine' });
    expect(device.texts.join('')).not.toContain(canary);
    const again = await connect('zoe', other, 'another');
    expect(await again.readTo(1)).toMatchObject([{ change: { label: canary } }]);
    expect(again.welcome.cursor).toEqual({ [again.welcome.sid]: 1 });
  });

  it('[SPA10] the app that runs the server decides over all of it', async () => {
    await start();
    const { administration } = server.server;
    await administration!.grant('default', { id: 'anna' }, 'owner');
    await administration!.grant('default', { id: 'bob', name: 'Bob' }, 'reader');
    const device = await connect('bob', 'default');
    expect(await administration!.members('default')).toMatchObject([{ role: 'owner' }, { user: { name: 'Bob' } }]);
    await administration!.grant('default', { id: 'bob' }, 'writer');
    expect((await administration!.members('default'))[1]).toMatchObject({ role: 'writer', user: { name: 'Bob' } });
    expect(await device.push(new TestWriter('bob').next())).not.toHaveProperty('refused');
    await administration!.grant('default', { id: 'bob' }, null);
    expect((await device.closed).reason).toBe('ACCESS_REVOKED');
    await expect(administration!.grant('x', { id: 'bob\0' }, 'owner')).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    await expect(administration!.grant('x', { id: 'bob' }, 'admin' as never)).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    });
  });

  it('[SPA11] what another node has changed holds here, without anybody telling', async () => {
    // Two servers on one storage.
    const source = memory();
    const node = (): ReturnType<typeof createSyncServer> =>
      createSyncServer({ ...BY_NAME, storage: source, logger: createLogger('silent') });
    const [one, two] = [await node(), await node()];
    const { url } = await two.listen(0);
    await one.administration!.grant('s', { id: 'anna' }, 'owner');
    await one.administration!.grant('s', { id: 'bob' }, 'writer');
    const device = await TestDevice.connect(url, { token: 'bob', space: 's', device: 'b' });
    await one.administration!.grant('s', { id: 'bob' }, null);
    expect((await device.closed).reason).toBe('ACCESS_REVOKED');
    await one.close();
    await two.close();
  });

  it('[SPA12] members are there after a restart', async () => {
    const source = memory();
    const one = await createSyncServer({ ...BY_NAME, storage: source, logger: createLogger('silent') });
    await one.administration!.grant('s', { id: 'anna' }, 'owner');
    await one.close();
    await start({ storage: source });
    await connect('anna', 's');
    expect(await refusal('bob', 's')).toMatchObject({ code: CLOSE.forbidden });
  });

  it('[SPA14] a storage that fails ends nobody’s right and holds up no end of the server; what it could not tell is told later', async () => {
    const inner = await memory().open();
    let failure: Error | null = null;
    const rows: AccessRows = {
      get: (scope, key) => inner.access.get(scope, key),
      list: (scope) => inner.access.list(scope),
      version: () => inner.access.version(),
      since: (version, max) => (failure ? Promise.reject(failure) : inner.access.since(version, max)),
      change: (work) => (failure ? Promise.reject(failure) : inner.access.change(work)),
    };
    const storage = new Proxy(inner, {
      get: (target, name) => (name === 'access' ? rows : bound(target, name as keyof Storage)),
    });
    await start({ storage: { open: async () => storage } });
    await server.server.administration!.grant('s', { id: 'anna' }, 'owner');
    await server.server.administration!.grant('s', { id: 'bob' }, 'writer');
    const [mine, theirs] = [await connect('anna', 's'), await connect('bob', 's')];
    failure = new Error('no disk');
    // Another node goes on.
    await inner.access.change((change) =>
      change.set('s:s', 'm:bob', JSON.stringify({ role: null, name: null, sinceMs: nowMs })),
    );
    await expect(server.server.administration!.grant('s', { id: 'cleo' }, 'reader')).rejects.toThrow('no disk');
    await expect.poll(() => server.logs.filter(({ event }) => event === 'access-failed').length).toBeGreaterThan(0);
    expect(await theirs.push(new TestWriter('bob').next())).not.toHaveProperty('refused');
    failure = null;
    expect((await theirs.closed).reason).toBe('ACCESS_REVOKED');
    // Seen again after hours, and that cannot be written down.
    nowMs += 5 * 3_600_000;
    await (await connect('anna', 's')).close();
    failure = new Error('no disk');
    await server.server.close();
    expect((await mine.closed).code).toBe(CLOSE.restart);
  });

  it('[SPA13] without authentication nobody is a member of anything: INVALID_OPTION', async () => {
    const given = { storage: memory(), logger: createLogger('silent') };
    for (const options of [{ spaces: 'members' }, { spaces: 'some' }, { authors: 'any' }] as never[])
      await expect(createSyncServer({ ...given, ...(options as object) })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
      });
    await start({ spaces: 'open' });
    expect(await anna('GET', 'spaces')).toMatchObject(NOT_FOUND);
    expect(server.server.administration).toBeNull();
    await connect('anna', 'whatever');
  });
});

describe('invitations', { timeout: 30_000 }, () => {
  it('[INV1] let one in, as what they say, and no more than they say', async () => {
    await start();
    const space = await createSpace();
    const { body } = await anna('POST', `spaces/${space}/invitations`, { role: 'reader' });
    expect(body).toEqual({
      id: expect.any(String),
      role: 'reader',
      uses: 1,
      expires: nowMs + 7 * DAY_MS,
      code: expect.any(String),
    });
    expect((await bob('POST', 'spaces/join', { code: ` ${body.code}\n` })).body).toEqual({
      id: space,
      name: 'Team',
      role: 'reader',
    });
    expect(await cleo('POST', 'spaces/join', { code: body.code })).toMatchObject(NOT_FOUND);
    expect((await anna('GET', `spaces/${space}/invitations`)).body).toEqual({ invitations: [] });
    const twice = (await anna('POST', `spaces/${space}/invitations`, { uses: 2 })).body;
    const joined = await Promise.all([bob, cleo, zoe].map((ask) => ask('POST', 'spaces/join', { code: twice.code })));
    expect(joined.map(({ status }) => status).sort()).toEqual([200, 200, 404]);
  });

  it('[INV2] are over after their time, and when an owner takes them back', async () => {
    await start();
    const space = await createSpace();
    const { body } = await anna('POST', `spaces/${space}/invitations`, { expiresInMs: 60_000 });
    const other = (await anna('POST', `spaces/${space}/invitations`, {})).body;
    expect((await anna('GET', `spaces/${space}/invitations`)).body.invitations).toHaveLength(2);
    expect(JSON.stringify((await anna('GET', `spaces/${space}/invitations`)).body)).not.toContain(body.code);
    nowMs += 60_000;
    expect(await bob('POST', 'spaces/join', { code: body.code })).toMatchObject(NOT_FOUND);
    expect((await anna('DELETE', `spaces/${space}/invitations/${other.id}`)).status).toBe(200);
    expect(await bob('POST', 'spaces/join', { code: other.code })).toMatchObject(NOT_FOUND);
    expect(await anna('DELETE', `spaces/${space}/invitations/${other.id}`)).toMatchObject(NOT_FOUND);
  });

  it('[INV3] cannot be guessed, and cannot be read from the storage', async () => {
    const source = memory();
    await start({ storage: source });
    const space = await createSpace();
    const codes = await Promise.all(
      Array.from(
        { length: 20 },
        async () => (await anna('POST', `spaces/${space}/invitations`, {})).body.code as string,
      ),
    );
    const secrets = codes.map((code) => code.split('.').at(-1)!);
    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(18);
    const storage = await source.open();
    const stored = JSON.stringify(await storage.access.since(0, 1_000));
    for (const secret of secrets) expect(stored).not.toContain(secret);
    const [code] = codes as [string];
    const wrong = [`${code}x`, code.slice(0, -1), `${code.slice(0, -4)}AAAA`, '', '..', 'x', code.replace(space, 'x')];
    const answers = await Promise.all(wrong.map((text) => bob('POST', 'spaces/join', { code: text })));
    for (const { status } of answers) expect([400, 404]).toContain(status);
    expect((await bob('GET', 'spaces')).body).toEqual({ spaces: [] });
    // Nor are they in the log of the server.
    for (const secret of secrets) expect(JSON.stringify(server.logs)).not.toContain(secret);
  });

  it('[INV4] a member only gains by one, and does not use it up for nothing', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob, 'writer');
    const { body } = await anna('POST', `spaces/${space}/invitations`, { role: 'reader' });
    expect((await bob('POST', 'spaces/join', { code: body.code })).body.role).toBe('writer');
    expect((await anna('POST', 'spaces/join', { code: body.code })).body.role).toBe('owner');
    expect((await cleo('POST', 'spaces/join', { code: body.code })).body.role).toBe('reader');
  });

  it('[INV5] who was removed does not come back by one that was made before; who left does', async () => {
    await start();
    const space = await createSpace();
    const { body } = await anna('POST', `spaces/${space}/invitations`, { uses: 9 });
    for (const ask of [bob, cleo]) await ask('POST', 'spaces/join', { code: body.code });
    await anna('DELETE', `spaces/${space}/members/bob`);
    await cleo('DELETE', `spaces/${space}/membership`);
    expect(await bob('POST', 'spaces/join', { code: body.code })).toMatchObject(NOT_FOUND);
    expect((await cleo('POST', 'spaces/join', { code: body.code })).status).toBe(200);
    await letIn(space, bob);
  });

  it('[INV6] what is not one is refused, and so is too much of them', async () => {
    await start();
    const space = await createSpace();
    const bodies = [
      { role: 'admin' },
      { role: '__proto__' },
      { uses: 0 },
      { uses: 1.5 },
      '{"uses":1e400}',
      { uses: SPACES_LIMITS.usesPerInvitation + 1 },
      { expiresInMs: -1 },
      { expiresInMs: SPACES_LIMITS.invitationMs + 1 },
      '[]',
      '{',
      'null',
      `{"role":"${'x'.repeat(5_000)}"}`,
    ];
    for (const body of bodies) {
      const { status } = await anna('POST', `spaces/${space}/invitations`, body);
      expect([body, status]).toEqual([body, 400]);
    }
    for (let i = 0; i < SPACES_LIMITS.invitationsPerSpace; i++) await anna('POST', `spaces/${space}/invitations`, {});
    const one = await anna('POST', `spaces/${space}/invitations`, {});
    expect([one.status, one.body.error.code]).toEqual([409, 'TOO_LARGE']);
    // Those that are over make room.
    nowMs += 8 * DAY_MS;
    expect((await anna('POST', `spaces/${space}/invitations`, {})).status).toBe(200);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('devices', { timeout: 30_000 }, () => {
  it('[DVC1] a user sees their own and nobody else’s', async () => {
    await start();
    await TestDevice.connect(server.url, {
      token: 'anna',
      space: '~anna',
      device: 'd-1',
      client: { headers: { 'User-Agent': 'Lynx' } },
    });
    await connect('bob', '~bob', 'd-2');
    expect((await anna('GET', 'devices')).body).toEqual({
      devices: [{ id: 'd-1', first: nowMs, seen: nowMs, agent: 'Lynx', revoked: false }],
    });
    nowMs += 2 * 3_600_000;
    await connect('anna', '~anna', 'd-1');
    expect((await anna('GET', 'devices')).body.devices).toMatchObject([
      { id: 'd-1', seen: nowMs, first: nowMs - 2 * 3_600_000 },
    ]);
  });

  it('[DVC2] one that is sent away is out at once, whatever its token says, and does not come in again', async () => {
    await start();
    const space = await createSpace();
    const [phone, laptop] = [await connect('anna', space, 'phone'), await connect('anna', space, 'laptop')];
    expect((await anna('DELETE', 'devices/phone')).status).toBe(200);
    expect(await phone.closed).toEqual({ code: CLOSE.forbidden, reason: 'ACCESS_REVOKED' });
    expect(await refusal('anna', space, 'phone')).toEqual(REVOKED);
    expect(await refusal('anna', '~anna', 'phone')).toEqual(REVOKED);
    expect(await laptop.push(new TestWriter('anna').next())).not.toHaveProperty('refused');
    expect((await anna('GET', 'devices')).body.devices).toMatchObject([
      { id: 'laptop', revoked: false },
      { id: 'phone', revoked: true },
    ]);
    expect(await anna('DELETE', 'devices/nowhere')).toMatchObject(NOT_FOUND);
    expect(await bob('DELETE', 'devices/laptop')).toMatchObject(NOT_FOUND);
  });

  it('[DVC3] the device of another user is not one’s own', async () => {
    await start();
    await connect('anna', '~anna', 'd');
    expect(await refusal('bob', '~bob', 'd')).toMatchObject({
      code: CLOSE.forbidden,
      messages: [{ code: 'FORBIDDEN' }],
    });
    await anna('DELETE', 'devices/d');
    expect(await refusal('bob', '~bob', 'd')).toMatchObject({ messages: [{ code: 'FORBIDDEN' }] });
  });

  it('[DVC4] nobody has any number of them; those that were not seen for long make room', async () => {
    await start();
    for (let i = 0; i < SPACES_LIMITS.devicesPerUser; i++) await (await connect('anna', '~anna', `d-${i}`)).close();
    expect(await refusal('anna', '~anna', 'one more')).toMatchObject({
      code: CLOSE.tryLater,
      messages: [{ code: 'RATE_LIMITED' }],
    });
    nowMs += 31 * DAY_MS;
    await connect('anna', '~anna', 'one more');
    expect((await anna('GET', 'devices')).body.devices).toHaveLength(SPACES_LIMITS.devicesPerUser);
  });

  it('[DVC5] to sign a user out ends every session, and tokens from before are none', async () => {
    await start({
      authenticate: async (token) => {
        const [id, at] = token!.split('/') as [string, string?];
        return { id, ...(at === undefined ? {} : { issuedAt: Number(at) }) };
      },
    });
    const before = `anna/${nowMs - 1_000}`;
    const [one, two] = [await connect(before, '~anna', 'one'), await connect(before, '~anna', 'two')];
    const other = await connect(`bob/${nowMs}`, '~bob');
    await server.server.administration!.signOut('anna');
    for (const device of [one, two])
      expect(await device.closed).toEqual({ code: CLOSE.unauthenticated, reason: 'AUTH_REQUIRED' });
    expect(await refusal(before, '~anna', 'one')).toMatchObject({ code: CLOSE.unauthenticated });
    expect((await asUser(() => server.url, before)('GET', 'spaces')).status).toBe(401);
    nowMs += 1_000;
    await connect(`anna/${nowMs}`, '~anna', 'one');
    expect(await other.push(new TestWriter('bob').next())).not.toHaveProperty('refused');
  });
});

describe('who wrote a change', { timeout: 30_000 }, () => {
  const by = (id: string): Partial<Change> => ({ writer: { user: { id }, device: { id: 'd' } } });

  it('[AUT1] a change that says that it is by somebody else is refused, unless the app takes a device’s word for it', async () => {
    await start();
    const device = await connect('anna', '~anna');
    expect(await device.push(new TestWriter('one').next(by('anna')))).not.toHaveProperty('refused');
    expect((await device.push(new TestWriter('two').next(by('bob')))).refused).toMatchObject({ code: 'FORBIDDEN' });
    await server[Symbol.asyncDispose]();
    await start({ authors: 'claimed' });
    const other = await connect('anna', '~anna');
    expect(await other.push(new TestWriter('two').next(by('bob')))).not.toHaveProperty('refused');
  });

  it('[AUT2] what is there already may be repeated by anybody who may write', async () => {
    await start();
    const space = await createSpace();
    await letIn(space, bob);
    const [mine, theirs] = [await connect('anna', space), await connect('bob', space)];
    const change = new TestWriter('anna').next(by('anna'));
    await mine.push(change);
    expect(await theirs.push(change)).not.toHaveProperty('refused');
  });
});

describe('spaces over HTTP', { timeout: 30_000 }, () => {
  it('[SHT1] without a good token there is nothing to hear', async () => {
    await start();
    for (const token of [null, 'forged']) {
      const ask = asUser(() => server.url, token);
      for (const [method, path] of [
        ['GET', 'spaces'],
        ['POST', 'spaces'],
        ['GET', 'devices'],
        ['GET', 'spaces/x/y/z'],
      ] as const) {
        const { status, body, headers } = await ask(method, path, method === 'POST' ? {} : undefined);
        expect([status, body.error.code, headers.get('www-authenticate')]).toEqual([401, 'AUTH_REQUIRED', 'Bearer']);
      }
    }
    expect((await fetch(`${server.url}/sync/spaces?token=anna`)).status).toBe(401);
  });

  it('[SHT2] pages of other origins are refused, those that were named may read the answer', async () => {
    await start({ origins: ['https://app.example'] });
    const evil = await anna('GET', 'spaces', undefined, { Origin: 'https://evil.example' });
    expect([evil.status, evil.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const good = await anna('GET', 'spaces', undefined, { Origin: 'https://app.example' });
    expect([good.status, good.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example']);
    const asked = await fetch(`${server.url}/sync/spaces/x/members/y`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'DELETE' },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-methods')).toContain('DELETE');
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
  });

  it('[SHT3] names may be anything, and what is no address, no method or too long is answered, not crashed on', async () => {
    await start();
    const { administration } = server.server;
    const names = ["' OR '1'='1", '%', '__proto__', 'constructor', 'a/b', 'ü\u{1f984}', 'x'.repeat(256)];
    for (const name of names) {
      await administration!.grant(name, { id: 'anna' }, 'owner');
      const path = `spaces/${encodeURIComponent(name)}/members`;
      expect([name, (await anna('GET', path)).status]).toEqual([name, 200]);
      await administration!.grant('s', { id: name }, 'reader');
    }
    await administration!.grant('s', { id: 'anna' }, 'owner');
    for (const name of names)
      expect((await anna('DELETE', `spaces/s/members/${encodeURIComponent(name)}`)).status).toBe(200);
    for (const path of [
      'spaces/%00/members',
      'spaces/%/members',
      'spaces//members',
      `spaces/${'x'.repeat(257)}/members`,
      'spaces/x',
      'devices/',
    ])
      expect([path, (await anna('GET', path)).status]).toEqual([path, 404]);
    expect((await anna('PATCH', 'spaces')).status).toBe(404);
    expect((await anna('POST', 'spaces', { name: 7 })).status).toBe(400);
    expect((await anna('POST', 'spaces', { name: 'x'.repeat(201) })).status).toBe(400);
    expect((await anna('POST', 'spaces', `{"name":"${'x'.repeat(100_000)}"}`)).status).toBe(400);
    expect((await anna('GET', 'spaces')).status).toBe(200);
  });

  it('[SHT6] tokens are not tried one after the other, and a user does not ask without end', async () => {
    await start({ trustProxy: true, limits: { hellosPerMinute: 20 } });
    const from = (address: string): Record<string, string> => ({
      'X-Forwarded-For': address,
      'X-Forwarded-Proto': 'https',
    });
    const forged = asUser(() => server.url, 'forged');
    const tried = async (address: string): Promise<number> =>
      (await forged('GET', 'spaces', undefined, from(address))).status;
    const statuses: number[] = [];
    for (let i = 0; i < 60; i++) statuses.push(await tried('203.0.113.9'));
    expect([...new Set(statuses)]).toEqual([401, 429]);
    expect(await tried('203.0.113.10')).toBe(401);
    const plain = await anna('GET', 'spaces', undefined, { ...from('203.0.113.10'), 'X-Forwarded-Proto': 'http' });
    expect(plain.status).toBe(426);
    const asked: number[] = [];
    for (let i = 0; i < 30; i++) asked.push((await anna('GET', 'spaces')).status);
    expect([...new Set(asked)]).toEqual([200, 429]);
    expect((await bob('GET', 'spaces')).status).toBe(200);
  });

  it('[SHT4] what fails inside is told by a reference only', async () => {
    await start({ authenticate: () => Promise.reject(new Error('secret detail')) });
    const { status, body } = await anna('GET', 'spaces');
    expect([status, body.error.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify([body, server.logs])).not.toContain('secret');
  });

  it('[SHT5] attached to somebody else’s server it answers there', async () => {
    const http = createServer((_, response) => response.end('mine'));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    const attached = await createSyncServer({ ...BY_NAME, storage: memory(), logger: createLogger('silent') });
    attached.attach(http);
    const ask = asUser(() => `http://127.0.0.1:${port}`, 'anna');
    expect(await ask('POST', 'spaces', {})).toMatchObject({ status: 200, body: { role: 'owner' } });
    expect(await (await fetch(`http://127.0.0.1:${port}/sync/other`)).text()).toBe('mine');
    await attached.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
});

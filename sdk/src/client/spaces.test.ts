/** db.spaces against an HTTP server that answers what a test wants; against the real one in `e2e/browser/spaces.spec.ts`. */
import 'fake-indexeddb/auto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';

import { closeAll, openNotes, type NotesDb } from './notes.fixture.ts';
import type { SyncOptions } from './types.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

const servers: Server[] = [];

afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Answers each question in turn; the last answer again and again. Nobody comes in by a WebSocket. */
async function answering(
  answer: (asked: Asked) => readonly [status: number, body: unknown],
): Promise<{ readonly url: string; readonly asked: readonly Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += String(chunk)));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      if (!url.startsWith('/app/sync/')) return void response.writeHead(404).end();
      const question = {
        method,
        url,
        authorization: headers.authorization,
        body: text === '' ? null : JSON.parse(text),
      };
      asked.push(question);
      const [status, body] = answer(question);
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/app/sync`, asked };
}

const device = (url: string, rest: Partial<SyncOptions> = {}): Promise<NotesDb> =>
  openNotes({ sync: { url, ...rest }, worker: false });

test('[SDB1] asks beside the address of the server, with the token, and tells times as dates', async () => {
  const { url, asked } = await answering(({ url: path }) => {
    if (path.endsWith('/members'))
      return [200, { members: [{ user: { id: 'u', name: null }, role: 'owner', since: 1_000 }] }];
    if (path.endsWith('/invitations')) return [200, { id: 'i', role: 'reader', uses: 2, expires: 2_000, code: 'c' }];
    if (path.endsWith('/devices'))
      return [200, { devices: [{ id: 'd', first: 1, seen: 2, agent: null, revoked: false }] }];
    return [200, path.endsWith('/spaces') ? { spaces: [] } : { id: 's', name: null, role: 'owner' }];
  });
  const db = await device(url, { token: 't', space: 'a/b c' });
  expect(await db.spaces.list()).toEqual([]);
  expect(await db.spaces.members()).toEqual([{ user: { id: 'u', name: null }, role: 'owner', since: new Date(1_000) }]);
  expect(await db.spaces.invite({ role: 'reader', uses: 2 }, 'other')).toEqual({
    id: 'i',
    role: 'reader',
    uses: 2,
    expiresAt: new Date(2_000),
    code: 'c',
  });
  expect(await db.spaces.devices()).toEqual([
    { id: 'd', here: false, firstSeenAt: new Date(1), lastSeenAt: new Date(2), agent: null, revoked: false },
  ]);
  expect(await db.spaces.join('code')).toEqual({ id: 's', name: null, role: 'owner' });
  await db.spaces.setRole('u/1', 'writer');
  await db.spaces.leave();
  expect(asked.map(({ method, url: path, body }) => [method, path, body])).toEqual([
    ['GET', '/app/sync/spaces', null],
    ['GET', '/app/sync/spaces/a%2Fb%20c/members', null],
    ['POST', '/app/sync/spaces/other/invitations', { role: 'reader', uses: 2 }],
    ['GET', '/app/sync/devices', null],
    ['POST', '/app/sync/spaces/join', { code: 'code' }],
    ['PUT', '/app/sync/spaces/a%2Fb%20c/members/u%2F1', { role: 'writer' }],
    ['DELETE', '/app/sync/spaces/a%2Fb%20c/membership', null],
  ]);
  expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer t']));
});

test('[SDB2] a token that is refused is asked for anew, once, and the question is asked again', async () => {
  const { url, asked } = await answering(({ authorization }) =>
    authorization === 'Bearer new' ? [200, { spaces: [] }] : [401, { error: { code: 'AUTH_REQUIRED', message: 'no' } }],
  );
  const whys: string[] = [];
  const token = async (why: string): Promise<string> => (whys.push(why), why === 'start' ? 'old' : 'new');
  const db = await device(url, { token });
  expect(await db.spaces.list()).toEqual([]);
  expect(await Promise.all([db.spaces.list(), db.spaces.list()])).toEqual([[], []]);
  expect(whys).toEqual(['start', 'denied']);
  expect(asked.map(({ authorization }) => authorization)).toEqual([
    'Bearer old',
    ...Array<string>(3).fill('Bearer new'),
  ]);
  const fixed = await device(url, { token: 'bad' });
  await expect(fixed.spaces.list()).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
});

test('[SDB3] what the server refuses has its code, and what is no server of ours is OFFLINE', async () => {
  let answer: readonly [number, unknown] = [403, { error: { code: 'FORBIDDEN', message: 'only an owner' } }];
  const { url } = await answering(() => answer);
  const db = await device(url, { token: 't' });
  await expect(db.spaces.invite()).rejects.toMatchObject({ code: 'FORBIDDEN', message: 'only an owner' });
  for (const other of [
    [200, '<html>Please log in</html>'],
    [404, 'not found'],
    [500, { error: { code: 'NO_SUCH_CODE' } }],
    [200, 'null'],
  ] as const) {
    answer = other;
    await expect(db.spaces.list()).rejects.toMatchObject({ code: 'OFFLINE' });
  }
  await expect(db.spaces.remove('')).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  await expect(db.spaces.members(7 as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test('[SDB4] without a server, without a network, and after close()', async () => {
  await expect((await openNotes()).spaces.list()).rejects.toMatchObject({ code: 'NO_SERVER' });
  const { url } = await answering(() => [200, { spaces: [] }]);
  const db = await device(url);
  servers.at(-1)!.close();
  servers.at(-1)!.closeAllConnections();
  await expect(db.spaces.list()).rejects.toMatchObject({ code: 'OFFLINE', retryable: true });
  await db.close();
  await expect(db.spaces.list()).rejects.toMatchObject({ code: 'CLOSED' });
});

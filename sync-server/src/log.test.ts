import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHttpBody, HTTP_BINDING_VERSION } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from './device.fixture.ts';
import { createLogger, failureFields } from './log.ts';
import { runCommand, startServer, temporaryFolder } from './server.fixture.ts';

/** Stands in everything that a server is given to keep or to check. */
const CANARY = 'canary';
const TOKEN = `${CANARY}-token-of-some-length`;

/** All that a device and a stranger can send, most of it wrong in one way or another. */
async function everything(url: string): Promise<void> {
  const hello = { token: TOKEN, space: `${CANARY}-space`, device: `${CANARY}-device` };
  const headers = { Authorization: `Bearer ${TOKEN}x`, Cookie: `session=${TOKEN}` };
  const peer = await TestDevice.connect(url, { ...hello, path: `/sync?token=${TOKEN}`, client: { headers } });
  const writer = new TestWriter('CANARYcanary');
  const ops = [
    { t: 'life', v: 'live', pred: [] },
    { t: 'set', p: `${CANARY}-field`, v: `${CANARY}-value`, pred: [] },
  ] as const;
  const recs = [{ c: CANARY, id: `${CANARY}-id`, rv: [], ops }];
  const device = { id: CANARY, name: CANARY };
  await peer.push(writer.next({ recs, label: `${CANARY}-label`, writer: { device } }));
  const [gone, next] = [writer.next({ recs }), writer.next({ recs })];
  await peer.push(next);
  await peer.push({ ...gone, hlc: gone.hlc * 2 });
  await peer.push({ ...gone, recs: [{ ...recs[0]!, c: `${CANARY} / not a name` }] });
  await peer.push(gone);
  await peer.push({ ...gone, label: CANARY });
  const asking = await TestDevice.connect(url, { ...hello, wantsSnapshot: true });
  await asking.next('snapshot');
  await asking.close();
  for (const frame of [`{"${CANARY}`, `{"type":"${CANARY}"}`, JSON.stringify({ type: 'push', changes: CANARY })]) {
    const wrong = await TestDevice.connect(url, hello);
    wrong.send(frame);
    await wrong.closed;
  }
  const binary = await TestDevice.connect(url, hello);
  binary.socket.send(Buffer.from(CANARY));
  await binary.closed;
  const stranger = await TestDevice.open(url);
  stranger.hello({ ...hello, cursor: { [`${CANARY}-server`]: 1 } });
  await stranger.closed;
  await expect(
    TestDevice.open(url, { client: { headers: { ...headers, Origin: 'https://evil.example' } } }),
  ).rejects.toThrow();
  for (const body of [CANARY, encodeHttpBody({ do: 'open', binding: HTTP_BINDING_VERSION }, [CANARY])])
    await (await fetch(`${url}/sync?${TOKEN}`, { method: 'POST', body, headers })).text();
  for (const path of [`/${CANARY}`, `/%2e%2e/${CANARY}`, `/assets/${CANARY}.js`, `/metrics?${TOKEN}`])
    await (await fetch(`${url}${path}`, { headers })).text();
  await peer.close();
}

describe('the log', { timeout: 60_000 }, () => {
  it('[LGS1] of a whole run of the command, at every level, has nothing of content, tokens and addresses', async () => {
    const folder = temporaryFolder();
    const app = join(folder.path, `${CANARY}-app`);
    mkdirSync(app);
    writeFileSync(join(app, 'index.html'), CANARY);
    const args = ['--port', '0', '--data', join(folder.path, 'data'), '--log-level', 'debug', '--static', app];
    const command = runCommand(args, { SKERRY_METRICS_TOKEN: TOKEN });
    await everything(await command.url);
    command.child.kill('SIGTERM');
    const { code, stdout, stderr } = await command.ended;
    expect(code).toBe(0);
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect([...new Set(events)].sort()).toEqual(
      expect.arrayContaining(['closed', 'connected', 'refused', 'snapshot', 'stopping', 'upgrade-refused']),
    );
    expect(stdout + stderr).not.toMatch(new RegExp(CANARY, 'i'));
    folder.remove();
  });

  it('[LGS1] nor where what the application and the storage throw quotes them', async () => {
    let isFailing = false;
    const fail = (): never => {
      throw Object.assign(new TypeError(`${TOKEN} is wrong`), { code: 'E_CUSTOM', token: TOKEN });
    };
    await using server = await startServer({
      authenticate: async (token) => (isFailing ? fail() : token === TOKEN ? { id: 'ada', name: CANARY } : null),
      authorize: (_, action, __, change) => (action === 'write' && change?.label === 'boom' ? fail() : true),
    });
    await everything(server.url);
    const peer = await TestDevice.connect(server.url, { token: TOKEN });
    peer.send({ type: 'push', changes: [new TestWriter('w').next({ label: 'boom' })] });
    await peer.closed;
    isFailing = true;
    const late = await TestDevice.open(server.url);
    late.hello({ token: TOKEN });
    await late.closed;
    expect(server.logs.filter(({ event }) => event === 'failed')).toMatchObject([
      { failure: 'TypeError', code: 'E_CUSTOM', at: expect.stringContaining('log.test.ts') },
      { failure: 'TypeError', code: 'E_CUSTOM', at: expect.stringContaining('log.test.ts') },
    ]);
    expect(JSON.stringify(server.logs)).not.toMatch(new RegExp(CANARY, 'i'));
  });

  it('[LGS2] is a line of JSON for each event that is not below the level', () => {
    for (const [level, count] of [
      ['silent', 0],
      ['error', 1],
      ['info', 2],
      ['debug', 3],
    ] as const) {
      const lines: string[] = [];
      const logger = createLogger(level, (line) => void lines.push(line));
      logger.error('one', { connection: 'c1', count: 3, isGood: true, from: null });
      logger.info('two');
      logger.debug('three');
      const parsed = lines.map((line) => JSON.parse(line) as object);
      expect(parsed).toHaveLength(count);
      expect(lines.every((line) => line.endsWith('}\n'))).toBe(true);
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(parsed).toEqual(
        [
          { level: 'error', time, event: 'one', connection: 'c1', count: 3, isGood: true, from: null },
          { level: 'info', time, event: 'two' },
          { level: 'debug', time, event: 'three' },
        ].slice(0, count),
      );
    }
    expect(failureFields(`${CANARY}`)).toEqual({ failure: 'string' });
  });

  it.runIf(existsSync('/dev/full'))('[LGS3] that finds no space ends no server', async () => {
    await serveWithLog('2> /dev/full');
  });

  it('[LGS3] nor does one that nobody reads', async () => {
    await serveWithLog('2> >(true)');
  });
});

/** `bash` sends the log elsewhere and becomes the server. */
async function serveWithLog(elsewhere: string): Promise<void> {
  const folder = temporaryFolder();
  const args = ['--port', '0', '--data', folder.path, '--log-level', 'debug'];
  const command = runCommand(args, {}, ['bash', '-c', `exec "$0" "$@" ${elsewhere}`]);
  const url = await command.url;
  const writer = new TestWriter('w');
  for (let i = 0; i < 20; i++) {
    const device = await TestDevice.connect(url);
    expect(await device.push(writer.next())).not.toHaveProperty('refused');
    await device.close();
  }
  command.child.kill('SIGTERM');
  expect(await command.ended).toMatchObject({ code: 0, signal: null });
  folder.remove();
}

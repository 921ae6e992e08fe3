import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLOSE } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AUDIENCE, Issuer, ISSUER } from './auth/issuer.fixture.ts';
import { readConfig } from './config.ts';
import { TestDevice } from './device.fixture.ts';
import { runCommand, temporaryFolder, type Command } from './server.fixture.ts';

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder.remove());

const NAMES = ['--jwt-issuer', 'https://issuer.example', '--jwt-audience', 'sync, other'];

function problemsOf(...args: readonly string[]): readonly string[] {
  const read = readConfig(args, {});
  return read.type === 'bad' ? read.problems : [];
}

function secretFile(content: string | Uint8Array): string {
  const path = join(folder.path, 'secret');
  writeFileSync(path, content);
  return path;
}

describe('authentication in the configuration', { timeout: 30_000 }, () => {
  it('[CFA1] with an issuer of tokens the command may serve other machines', () => {
    const args = ['--host', '0.0.0.0', '--jwks', 'https://issuer.example/keys', ...NAMES, '--jwt-type', 'at+jwt'];
    expect(readConfig(args, { SKERRY_JWT_LEEWAY: '30' })).toMatchObject({
      type: 'ok',
      config: {
        host: '0.0.0.0',
        auth: {
          jwks: 'https://issuer.example/keys',
          issuer: ['https://issuer.example'],
          audience: ['sync', 'other'],
          leeway: 30,
          type: 'at+jwt',
        },
        spaces: 'members',
      },
    });
  });

  it('[CFA1] so with a secret, which is in a file and on no command line', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    const auth = (path: string): unknown => readConfig(['--jwt-secret-file', path, ...NAMES], {});
    expect(auth(secretFile(bytes))).toMatchObject({ config: { auth: { secret: Buffer.from(bytes) } } });
    const line = `${'s'.repeat(32)}\n`;
    expect(auth(secretFile(line))).toMatchObject({ config: { auth: { secret: Buffer.from('s'.repeat(32)) } } });
  });

  it('[CFA2] what is wrong or missing is said: whose tokens, for whom, how they are checked', () => {
    expect(problemsOf('--host', '0.0.0.0')).toEqual([expect.stringContaining('host: 0.0.0.0')]);
    expect(problemsOf('--jwks', 'http://issuer.example/keys')).toEqual([
      expect.stringContaining('jwt-issuer'),
      expect.stringContaining('jwt-audience'),
      expect.stringContaining('jwks: http://issuer.example/keys'),
    ]);
    expect(problemsOf('--jwt-audience', 'sync')).toEqual([expect.stringContaining('jwt-audience')]);
    expect(
      problemsOf('--jwks', 'https://i.example', '--jwt-secret-file', secretFile('x'.repeat(32)), ...NAMES),
    ).toEqual([expect.stringContaining('not together')]);
    expect(problemsOf('--jwt-secret-file', secretFile('short\n'), ...NAMES)).toEqual([
      expect.stringContaining('fewer than 32'),
    ]);
    expect(problemsOf('--jwt-secret-file', join(folder.path, 'nowhere'), ...NAMES)).toEqual([
      expect.stringContaining('cannot be read'),
    ]);
    expect(problemsOf('--spaces', 'members')).toEqual([expect.stringContaining('who is who')]);
    expect(problemsOf('--spaces', 'few')).toEqual([expect.stringContaining('few')]);
    expect(problemsOf('--jwt-leeway', '301')).toEqual([expect.stringContaining('301')]);
  });
});

describe('the command with an issuer', { timeout: 60_000 }, () => {
  it('[CFA3] listens to other machines, lets nobody in without a token, and says no secret anywhere', async () => {
    await using issuer = await Issuer.start();
    const command: Command = runCommand(
      ['--port', '0', '--host', '0.0.0.0', '--data', folder.path, '--log-level', 'debug', '--jwks', issuer.jwks],
      { SKERRY_JWT_ISSUER: ISSUER, SKERRY_JWT_AUDIENCE: AUDIENCE },
    );
    const url = (await command.url).replace('0.0.0.0', '127.0.0.1');
    const token = await issuer.token();
    const anna = await TestDevice.open(url);
    anna.hello({ token, space: '~anna' });
    await anna.next('welcome');
    // Signed in, and a member of nothing else.
    const stranger = await TestDevice.open(url);
    stranger.hello({ token, space: 'default' });
    expect(await stranger.closed).toMatchObject({ code: CLOSE.forbidden });
    const nobody = await TestDevice.open(url);
    nobody.hello({ space: '~anna' });
    expect(await nobody.closed).toMatchObject({ code: CLOSE.unauthenticated });
    command.child.kill('SIGTERM');
    const { code, stderr } = await command.ended;
    expect(code).toBe(0);
    expect(stderr).toContain('unauthenticated');
    for (const part of token.split('.')) expect(stderr).not.toContain(part);
  });
});

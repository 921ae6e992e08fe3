import { DEFAULT_RETENTION } from '@skerry/sdk/kernel';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readConfig } from './config.ts';
import { temporaryFolder } from './server.fixture.ts';

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder.remove());

const DAY_MS = 86_400_000;
const DEFAULTS = {
  port: 4321,
  host: '127.0.0.1',
  file: join('data', 'skerry.db'),
  database: null,
  static: null,
  origins: null,
  trustProxy: false,
  allowPlain: false,
  retention: DEFAULT_RETENTION,
  metricsToken: null,
  logLevel: 'info',
  auth: null,
  spaces: 'open',
};

describe('configuration of the command', { timeout: 30_000 }, () => {
  it('[CFG1] works without any', () => {
    expect(readConfig([], {})).toEqual({ type: 'ok', config: DEFAULTS });
  });

  it('[CFG2] flags go before variables, variables before defaults', () => {
    const env = {
      SKERRY_PORT: '1',
      SKERRY_DATA: '/one',
      SKERRY_LOG_LEVEL: 'debug',
      SKERRY_ORIGINS: 'https://a.example, https://b.example',
      SKERRY_LOG_DAYS: '0.5',
      SKERRY_TOMBSTONE_DAYS: '7',
      SKERRY_METRICS_TOKEN: 'from-the-variable',
      SKERRY_ALLOW_PLAIN: 'true',
      SKERRY_DATABASE: 'postgres://ada@db.example/skerry',
    };
    const read = readConfig(
      '--port 0 --static FOLDER --trust-proxy true --host localhost --tombstone-days 0 --data=FOLDER'
        .split(' ')
        .map((arg) => arg.replace('FOLDER', folder.path)),
      env,
    );
    expect(read).toEqual({
      type: 'ok',
      config: {
        port: 0,
        host: 'localhost',
        file: join(folder.path, 'skerry.db'),
        database: 'postgres://ada@db.example/skerry',
        static: folder.path,
        origins: ['https://a.example', 'https://b.example'],
        trustProxy: true,
        allowPlain: true,
        retention: { logMs: DAY_MS / 2, tombstoneMs: 0 },
        metricsToken: 'from-the-variable',
        logLevel: 'debug',
        auth: null,
        spaces: 'open',
      },
    });
  });

  it('[CFG2] an empty variable is none', () => {
    const names = [
      'PORT',
      'DATA',
      'HOST',
      'STATIC',
      'ORIGINS',
      'TRUST_PROXY',
      'LOG_DAYS',
      'TOMBSTONE_DAYS',
      'LOG_LEVEL',
    ];
    const env = Object.fromEntries(names.map((name) => [`SKERRY_${name}`, '']));
    expect(readConfig([], env)).toEqual({ type: 'ok', config: DEFAULTS });
  });

  it('[CFG3] data is a folder, or a file when it says so', () => {
    const fileOf = (data: string): unknown => readConfig(['--data', data], {});
    expect(fileOf('x/notes.db')).toMatchObject({ config: { file: 'x/notes.db' } });
    expect(fileOf('x/notes')).toMatchObject({ config: { file: join('x/notes', 'skerry.db') } });
    const misleading = join(folder.path, 'folder.db');
    mkdirSync(misleading);
    expect(fileOf(misleading)).toMatchObject({ config: { file: join(misleading, 'skerry.db') } });
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    expect(fileOf(file)).toEqual({ type: 'bad', problems: [expect.stringContaining(`data: ${file} is a file`)] });
  });

  it('[CFG8] a database is an address of PostgreSQL, and no mistake with one says the password', () => {
    for (const url of ['postgres://ada:secret@db.example:5433/notes?sslmode=require', 'postgresql:///notes'])
      expect(readConfig(['--database', url], {})).toMatchObject({ type: 'ok', config: { database: url } });
    for (const [args, env] of [
      [['--database', 'mysql://ada:secret@db.example/notes'], {}],
      [['--database=postgres//ada:secret@db.example'], {}],
      [['--databse', 'postgres://ada:secret@db.example/notes'], {}],
      [['postgres://ada:secret@db.example/notes'], {}],
      [[], { SKERRY_DATABASE: 'ada:secret@db.example' }],
    ] as const) {
      const read = readConfig(args, env);
      expect(read.type).toBe('bad');
      expect(JSON.stringify(read)).not.toContain('secret');
    }
  });

  it('[CFG4] all that is wrong is said at once', () => {
    const args = [
      '--port',
      '65536',
      '--host',
      '0.0.0.0',
      '--static',
      '/nope',
      '--origins',
      'app.example',
      '--trust-proxy',
      'maybe',
      '--allow-plain',
      'perhaps',
      '--log-level',
      'loud',
      '--log-days',
      '-1',
      '--tombstone-days',
      'ages',
      '--what',
      'else',
    ];
    const read = readConfig(args, {});
    const problems = read.type === 'bad' ? read.problems.join('\n') : '';
    for (const word of [
      '65536',
      '0.0.0.0',
      '/nope',
      'app.example',
      'maybe',
      'perhaps',
      'loud',
      'log-days: -1',
      'ages',
      '--what',
      'else',
    ])
      expect(problems).toContain(word);
  });

  it.each([[['--port']], [['--port=']], [['--port', '-1']], [['--port', '1e3']], [['--data', '']]])(
    '[CFG4] %j is refused',
    (args) => {
      expect(readConfig(args, {})).toMatchObject({ type: 'bad' });
    },
  );

  it('[CFG5] help names every flag and its variable, and goes before mistakes', () => {
    const read = readConfig(['--port', 'x', '--help'], {});
    for (const word of [
      '--port',
      'SKERRY_PORT',
      '--data',
      'SKERRY_DATA',
      '--host',
      '--static',
      '--origins',
      'SKERRY_ORIGINS',
      '--trust-proxy',
      'SKERRY_TRUST_PROXY',
      '--allow-plain',
      'SKERRY_ALLOW_PLAIN',
      '--log-days',
      'SKERRY_LOG_DAYS',
      '--tombstone-days',
      'SKERRY_TOMBSTONE_DAYS',
      '--log-level',
    ]) {
      expect(read.type === 'help' && read.text).toContain(word);
    }
  });
});

it('[CFG6] is read where nothing has been built and no package of this repository can be found', () => {
  cpSync(import.meta.dirname, folder.path, { recursive: true });
  writeFileSync(join(folder.path, 'package.json'), '{"type":"module"}');
  const script = `import { readConfig } from './config.ts'; console.log(readConfig([], {}).type);`;
  const told = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder.path });
  expect(String(told)).not.toBe('');
});

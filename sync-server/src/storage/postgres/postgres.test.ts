import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import { postgres } from './postgres.ts';

const INDEX = new URL('../../index.ts', import.meta.url).href;

describe('postgres(url)', { timeout: 30_000 }, () => {
  it('[PGS1] says at once what is wrong with its arguments, and never the address', () => {
    for (const url of ['', 'secret', 'mysql://ada:secret@h/d', 'postgres:secret', 7, null, undefined])
      expect(() => postgres(url as string)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    for (const url of ['secret', 'mysql://ada:secret@h/d']) expect(() => postgres(url)).not.toThrow('secret');
    for (const options of [
      { schema: '' },
      { schema: 'a"; DROP' },
      { schema: 'x'.repeat(49) },
      { connections: 0 },
      { connections: 1.5 },
      { snapshots: -1 },
      { pollMs: Number.NaN },
      { patienceMs: 0 },
    ])
      expect(() => postgres('postgres://h/d', options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('[PGS2] loads its driver when it is opened and not before: who uses SQLite does without', () => {
    const script = `
      import { createRequire } from 'node:module';
      import { memory, postgres } from ${JSON.stringify(INDEX)};
      const { cache } = createRequire(import.meta.url);
      const isLoaded = () => Object.keys(cache).some((path) => /[\\\\/]node_modules[\\\\/]pg[\\\\/]/.test(path));
      await (await memory().open()).close();
      const source = postgres('postgres://nobody:x@127.0.0.1:1/none', { patienceMs: 1 });
      const before = isLoaded();
      await source.open().catch(() => undefined);
      console.log(before, isLoaded());`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=@skerry/source', '--input-type=module', '--eval', script],
      { encoding: 'utf8' },
    );
    expect(stdout.trim(), stderr).toBe('false true');
  });
});

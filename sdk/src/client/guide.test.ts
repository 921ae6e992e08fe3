import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

import { ERROR_CODES } from '../lib/errors.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const guide = await readFile(join(root, 'docs/guide.md'), 'utf8');

test('[DOC1] the guide lists every error code with what to do', () => {
  const rows = [...guide.matchAll(/^\| `([A-Z_]+)`\s*\| (.*?)\s*\|$/gm)].map(([, code, meaning]) => [code, meaning]);
  expect(rows).toEqual(Object.entries(ERROR_CODES));
});

test('[DOC2] the code of the guide is one program that type-checks', { timeout: 60_000 }, async () => {
  const fences = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  expect(fences.length).toBeGreaterThan(5);
  const folder = await mkdtemp(join(tmpdir(), 'skerry-guide-'));
  try {
    await writeFile(join(folder, 'guide.ts'), fences.join('\n'));
    const compilerOptions = { lib: ['ES2023', 'ES2024.String', 'ESNext.Disposable', 'DOM'], typeRoots: [] };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, files: ['guide.ts'] }),
    );
    const compiled = promisify(execFile)(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      folder,
      '--pretty',
      'false',
    ]);
    const answer = await compiled.catch((failed: { readonly stdout: string }) => failed);
    expect(answer.stdout).toBe('');
  } finally {
    await rm(folder, { recursive: true });
  }
});

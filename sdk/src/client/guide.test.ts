import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
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
  const fences = fencesOf(guide);
  expect(fences.length).toBeGreaterThan(5);
  expect(await typeErrors(fences.join('\n'))).toBe('');
});

test('[DOC3] the first code of the README type-checks', { timeout: 60_000 }, async () => {
  const [first] = fencesOf(await readFile(join(root, 'README.md'), 'utf8'));
  expect(first).toContain('@skerry/sdk');
  expect(await typeErrors(first!)).toBe('');
});

test('[DOC4] the example of docs/testing.md is a test that runs', async () => {
  const [example] = fencesOf(await readFile(join(root, 'docs/testing.md'), 'utf8'));
  expect(example).toBe(await readFile(join(root, 'sdk/src/testing/example.test.ts'), 'utf8'));
});

function fencesOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
}

/** What the compiler says of a program in a folder of its own. */
async function typeErrors(code: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-docs-'));
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'code.ts'), code);
    const compilerOptions = { lib: ['ES2023', 'ES2024.String', 'ESNext.Disposable', 'DOM'], typeRoots: [] };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions, files: ['code.ts'] }),
    );
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const compiled = promisify(execFile)(process.execPath, [tsc, '-p', folder, '--pretty', 'false']);
    return (await compiled.catch((failed: { readonly stdout: string }) => failed)).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

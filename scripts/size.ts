/**
 * `npm run size`: what a page pays for the SDK, minified and gzipped, dependencies included. Fails over the budget.
 */
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

import { ROOT } from './process.ts';

interface Budget {
  readonly name: string;
  readonly entry: string;
  readonly kilobytes: number;
  /** What the page has anyway. */
  readonly without?: readonly string[];
}

const BUDGETS: readonly Budget[] = [
  // The goal is 55; dexie alone is 30.
  { name: 'page: @skerry/sdk with dexie and rxjs', entry: 'index.ts', kilobytes: 94 },
  { name: 'worker: @skerry/sdk/worker', entry: 'worker.ts', kilobytes: 53 },
  // With what only a server does.
  { name: 'kernel: @skerry/sdk/kernel', entry: 'kernel.ts', kilobytes: 35 },
  {
    name: 'react: @skerry/sdk/react without the rest',
    entry: 'react.ts',
    kilobytes: 3,
    without: ['react', 'rxjs', 'dexie'],
  },
];

const rows: string[] = [];
for (const budget of BUDGETS) {
  const kilobytes = (await gzippedBytes(budget)) / 1000;
  const isOver = kilobytes > budget.kilobytes;
  if (isOver) process.exitCode = 1;
  rows.push(
    `${isOver ? '✗' : '✓'} ${budget.name.padEnd(42)} ${kilobytes.toFixed(1).padStart(6)} KB of ${budget.kilobytes} KB`,
  );
}
console.log(`gzip size, minified\n${rows.join('\n')}`);

/** The entry and what it imports at once; what it may load later (sync in the page, for `worker: false`) is not paid by a page. */
async function gzippedBytes({ entry, without = [] }: Budget): Promise<number> {
  const bundle = await rolldown({
    input: join(ROOT, 'sdk/src', entry),
    platform: 'browser',
    external: [...without],
    resolve: { conditionNames: ['@skerry/source', 'import', 'browser', 'default'] },
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  const withImports = (name: string): readonly string[] => [
    name,
    ...(chunks.find(({ fileName }) => fileName === name)?.imports ?? []).flatMap(withImports),
  ];
  const loaded = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap(({ fileName }) => withImports(fileName)));
  return chunks
    .filter(({ fileName }) => loaded.has(fileName))
    .reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0);
}

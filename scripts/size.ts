/**
 * `npm run size`: what a page pays for the SDK, minified and gzipped, dependencies included. Fails over the budget, which is what
 * was reached plus two percent. `npm run size -- --why` tells what the bytes are.
 */
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { rolldown, type OutputChunk } from 'rolldown';

import { ROOT } from './process.ts';

interface Budget {
  readonly name: string;
  readonly entry: string;
  readonly kilobytes: number;
  /** What the page has anyway. */
  readonly without?: readonly string[];
}

const BUDGETS: readonly Budget[] = [
  // The goals are 55 for the page and 40 for the worker. Of the page, dexie is 30 and rxjs, comlink, idb and sha256 are 8.
  { name: 'page: @skerry/sdk with dexie and rxjs', entry: 'index.ts', kilobytes: 110 },
  { name: 'worker: @skerry/sdk/worker', entry: 'worker.ts', kilobytes: 60 },
  { name: 'service worker: @skerry/sdk/service-worker', entry: 'service-worker.ts', kilobytes: 60 },
  // With what only a server does.
  { name: 'kernel: @skerry/sdk/kernel', entry: 'kernel.ts', kilobytes: 36 },
  {
    name: 'react: @skerry/sdk/react without the rest',
    entry: 'react.ts',
    kilobytes: 0.6,
    without: ['react', 'rxjs', 'dexie'],
  },
];

const rows: string[] = [];
for (const budget of BUDGETS) {
  const chunks = await loadedChunks(budget);
  const kilobytes = chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0) / 1000;
  const isOver = kilobytes > budget.kilobytes;
  if (isOver) process.exitCode = 1;
  rows.push(
    `${isOver ? '✗' : '✓'} ${budget.name.padEnd(42)} ${kilobytes.toFixed(1).padStart(6)} KB of ${budget.kilobytes} KB`,
  );
  if (process.argv.includes('--why')) rows.push(...partsOf(chunks));
}
console.log(`gzip size, minified\n${rows.join('\n')}`);

/** The entry and what it imports at once; what it may load later (sync in the page, for `worker: false`) is not paid by a page. */
async function loadedChunks({ entry, without = [] }: Budget): Promise<readonly OutputChunk[]> {
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
  return chunks.filter(({ fileName }) => loaded.has(fileName));
}

/** Packages and folders of ours by their length before minifying and packing, which shrink alike. */
function partsOf(chunks: readonly OutputChunk[]): readonly string[] {
  const lengths = new Map<string, number>();
  for (const { modules } of chunks) {
    for (const [id, { renderedLength }] of Object.entries(modules)) {
      const part = /(?:node_modules\/(?:@[^/]+\/)?|sdk\/src\/)([^/]+)/.exec(id)?.[1] ?? 'the bundler';
      lengths.set(part, (lengths.get(part) ?? 0) + renderedLength);
    }
  }
  const total = [...lengths.values()].reduce((sum, length) => sum + length, 0);
  return [...lengths]
    .toSorted(([, a], [, b]) => b - a)
    .map(([part, length]) => `    ${part.padEnd(24)} ${((100 * length) / total).toFixed(1).padStart(5)} %`);
}

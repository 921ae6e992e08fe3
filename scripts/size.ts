/**
 * `npm run size`: what a page pays for the SDK, minified and gzipped, dependencies included: the package as npm has it, bundled
 * as an app's bundler does. A page pays at its start for the entry and all that this imports at once; what is loaded later is
 * named below it. Fails over the budget, which is what was reached plus two percent. `npm run size -- --why` tells what the
 * bytes are.
 */
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { rolldown, type OutputChunk } from 'rolldown';

import { build } from './build.ts';
import { ROOT } from './process.ts';

interface Budget {
  readonly name: string;
  readonly entry: string;
  readonly kilobytes: number;
  /** What the page has anyway. */
  readonly without?: readonly string[];
}

const BUDGETS: readonly Budget[] = [
  // The goals are 55 for the page and 40 for the worker. Of the page, dexie is 30 and rxjs, idb and sha256 are 7: what every
  // page reads and writes with is bound by them. Of ours, 65, the most is what a write needs inside its transaction, where
  // nothing can be loaded: the kernel, the store, history. The worker is one file, which every bundler takes.
  { name: 'page: @skerry/sdk with dexie and rxjs', entry: 'index', kilobytes: 104 },
  { name: 'worker: @skerry/sdk/worker', entry: 'worker', kilobytes: 63 },
  { name: 'service worker: @skerry/sdk/service-worker', entry: 'service-worker', kilobytes: 62 },
  // With what only a server does.
  { name: 'kernel: @skerry/sdk/kernel', entry: 'kernel', kilobytes: 38 },
  {
    name: 'react: @skerry/sdk/react without the rest',
    entry: 'react',
    kilobytes: 0.6,
    without: ['react', 'rxjs', 'dexie'],
  },
];

interface Chunks {
  readonly start: readonly OutputChunk[];
  readonly later: readonly OutputChunk[];
}

await build({ only: 'sdk' });
const rows: string[] = [];
for (const budget of BUDGETS) {
  const { start, later } = await chunksOf(budget);
  const kilobytes = kilobytesOf(start);
  const isOver = kilobytes > budget.kilobytes;
  if (isOver) process.exitCode = 1;
  rows.push(
    `${isOver ? '✗' : '✓'} ${budget.name.padEnd(42)} ${kilobytes.toFixed(1).padStart(6)} KB of ${budget.kilobytes} KB`,
    ...later.map((chunk) => `    later: ${nameOf(chunk).padEnd(34)} ${kilobytesOf([chunk]).toFixed(1).padStart(6)} KB`),
  );
  if (process.argv.includes('--why')) rows.push(...partsOf((await chunksOf(budget, 'src')).start));
}
console.log(`gzip size, minified\n${rows.join('\n')}`);

/** What is loaded at once is the entry and what it imports, and what that imports. */
async function chunksOf({ entry, without = [] }: Budget, from: 'dist' | 'src' = 'dist'): Promise<Chunks> {
  const bundle = await rolldown({
    input: join(ROOT, 'sdk', from, `${entry}.${from === 'dist' ? 'js' : 'ts'}`),
    platform: 'browser',
    external: [...without],
    resolve: { conditionNames: [...(from === 'src' ? ['@skerry/source'] : []), 'import', 'browser', 'default'] },
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  const withImports = (name: string): readonly string[] => [
    name,
    ...(chunks.find(({ fileName }) => fileName === name)?.imports ?? []).flatMap(withImports),
  ];
  const atOnce = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap(({ fileName }) => withImports(fileName)));
  return {
    start: chunks.filter(({ fileName }) => atOnce.has(fileName)),
    later: chunks.filter(({ fileName }) => !atOnce.has(fileName)),
  };
}

function kilobytesOf(chunks: readonly OutputChunk[]): number {
  return chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0) / 1000;
}

/** As the package calls it, without the hashes of both. */
function nameOf({ name }: OutputChunk): string {
  return name.replace(/-[\w-]{8}$/, '');
}

/** Packages and folders of our sources by their length before minifying and packing, which shrink alike. */
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

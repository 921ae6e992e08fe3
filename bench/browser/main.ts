/**
 * `npm run bench -- browser`: milliseconds of what a user waits for, in Chromium on a profile on disk, beside the same work without an SDK
 * (`idb`, Dexie, fetch) in the same run. Medians; a ratio is Skerry over raw. Goals stand beside the ratios. `-- browser:single,reading`
 * measures these parts only.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { build } from 'vite';

import { launchBrowser } from '../../e2e/fixtures/browser-process.ts';
import { openProxy } from '../../e2e/fixtures/proxy.ts';
import { startServer } from '../../e2e/fixtures/server.ts';
import { median, printLine, quantile } from '../measure.ts';
import { measureFootprints } from './measure-footprints.ts';
import { editOf, noteOf } from './notes.ts';
import { serveSite } from './site.ts';
import type { LongTask, Pair } from './timing.ts';

/** In the order in which they run; `syncing` prepares what some of it reads. */
const PARTS = { single, bulk, all, sending, reading, syncing } as const satisfies Record<
  string,
  (page: Page) => Promise<void>
>;
type Part = keyof typeof PARTS;

const argv = process.argv.slice(2);
const unknown = argv.find((name) => name !== 'footprints' && !Object.hasOwn(PARTS, name));
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}: ${[...Object.keys(PARTS), 'footprints'].join(', ')}`);
  process.exit(2);
}
const chosen = (Object.keys(PARTS) as Part[]).filter((part) => argv.length === 0 || argv.includes(part));

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = join(here, 'dist');

await build({
  root: here,
  configFile: false,
  logLevel: 'warn',
  resolve: { conditions: ['@skerry/source', 'module', 'browser', 'production'] },
  worker: { format: 'es' },
  build: { outDir: dist, emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false } },
});
const server = await startServer({ static: dist });
const proxy = await openProxy(server.port);
const site = await serveSite(dist);
const address = `${site.origin}/?sync=${encodeURIComponent(`ws://127.0.0.1:${proxy.port}/sync`)}`;
const profile = mkdtempSync(join(tmpdir(), 'skerry-bench-'));
const browser = await launchBrowser(profile);
try {
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.on('pageerror', (error) => console.error(error));
  await page.goto(address);
  await page.waitForFunction(() => window.bench !== undefined);
  console.log('\nmilliseconds, median (95th percentile)');
  for (const part of chosen) await PARTS[part](page);

  const long = await page.evaluate(() => window.bench.longTasks());
  printLine('main-thread tasks over 50 ms (goal 0)', String(long.length), ...worstOf(long));
  if (argv.length === 0 || argv.includes('footprints')) {
    for (const { name, ours, plain, goal } of await measureFootprints(address)) printBytes(name, ours, plain, goal);
  }
} finally {
  await browser.close();
  site.close();
  await proxy.close();
  await server.dispose();
  rmSync(profile, { recursive: true, force: true });
}

async function single(page: Page): Promise<void> {
  await page.evaluate(() => window.bench.singleWrites('warm-up', 50));
  const { insert, insertBeside, update } = await page.evaluate(() => window.bench.singleWrites('measured', 300));
  printPair('durable insert, one row', insert, 1.5);
  printPair('  beside the same requests', insertBeside);
  printPair('durable update, one field', update);
}

async function bulk(page: Page): Promise<void> {
  printPair('durable insert, 1,000 rows at once', await page.evaluate(() => window.bench.bulkInsert(7, 1000)));
}

async function all(page: Page): Promise<void> {
  printPair('durable insert, 10,000 notes at once', await page.evaluate(() => window.bench.insertAll(3)), 1);
}

async function sending(page: Page): Promise<void> {
  printOne('500 changes from the outbox, confirmed', await page.evaluate(() => window.bench.flush(5, 500)));
  printOne('insert here until shown there', await page.evaluate(() => window.bench.propagation(100)));
}

async function reading(page: Page): Promise<void> {
  await page.evaluate(() => window.bench.reading.fill());
  const unsent = await page.evaluate(() => window.bench.reading.reopen(15));
  printPair('first 50 by an index, 10,000 notes unsent', unsent, undefined, 'Dexie');
  printPair('live query of 50, updated', await page.evaluate(() => window.bench.reading.liveFifty(100)), 1.3, 'Dexie');
}

async function syncing(page: Page): Promise<void> {
  await page.evaluate(() => window.bench.syncing.publish());
  const beforeFirst = proxy.carried.down;
  const FIRST_SYNCS = 3;
  printPair(
    'first sync of 10,000 notes',
    await page.evaluate((times) => window.bench.syncing.firstSync(times), FIRST_SYNCS),
    1.5,
    'fetch and put',
  );
  printBytes('bytes of a first sync', (proxy.carried.down - beforeFirst) / FIRST_SYNCS, site.gzippedBytes, 1.05);

  await page.evaluate(() => window.bench.reading.fillPlain());
  const reopened = await page.evaluate(() => window.bench.reading.reopen(15, 'first-0'));
  printPair('first 50 by an index, all sent', reopened, 1.15, 'Dexie');

  const EDITS = 2_000;
  const flushing = await page.evaluateHandle(
    (edits) => window.bench.syncing.editOffline(edits).then((send) => ({ send })),
    EDITS,
  );
  const beforeFlush = proxy.carried.up;
  printOne('2,000 edits made offline, confirmed', [await flushing.evaluate(({ send }) => send())]);
  const deltas = Array.from({ length: EDITS }, (_, i) => ({ id: noteOf(i).id, body: editOf(i) }));
  const gzippedDeltas = gzipSync(JSON.stringify(deltas)).length;
  printBytes('bytes of 2,000 edits', proxy.carried.up - beforeFlush, gzippedDeltas, 1.2);
  printOne('edit here until in a live query there', await page.evaluate(() => window.bench.syncing.editElsewhere(100)));
}

function printPair(name: string, { skerry, raw }: Pair, goal?: number, rawName = 'raw idb'): void {
  const ratio = (median(skerry) / median(raw)).toFixed(2);
  printLine(name, cell(skerry), `${rawName} ${cell(raw)}`, `ratio ${ratio}${goalText(goal)}`);
}

function printBytes(name: string, ours: number, plain: number, goal: number): void {
  const text = (bytes: number): string => `${Math.round(bytes / 1024).toLocaleString('en')} KiB`;
  printLine(name, text(ours), `without ${text(plain)}`, `ratio ${(ours / plain).toFixed(2)}${goalText(goal)}`);
}

function goalText(goal: number | undefined): string {
  return goal === undefined ? '' : ` (goal ${goal})`;
}

/** The longest of each kind of work. */
function worstOf(long: readonly LongTask[]): readonly string[] {
  const kinds = [...new Set(long.map(({ during }) => during))];
  return kinds.map((kind) => {
    const times = long.filter(({ during }) => during === kind).map(({ ms }) => ms);
    return `${kind}: ${times.length}, longest ${Math.max(...times)} ms`;
  });
}

function printOne(name: string, values: readonly number[]): void {
  printLine(name, cell(values));
}

function cell(values: readonly number[]): string {
  return `${median(values).toFixed(2).padStart(8)} (${quantile(values, 0.95).toFixed(2)})`;
}

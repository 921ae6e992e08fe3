/**
 * `npm run bench -- browser`: milliseconds of what a user waits for, in Chromium on a profile on disk, beside the same work on raw `idb` in
 * the same run. Medians; a ratio is Skerry over raw.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

import { launchBrowser } from '../../e2e/fixtures/browser-process.ts';
import { startServer } from '../../e2e/fixtures/server.ts';
import { median, printLine, quantile } from '../measure.ts';
import type { Pair } from './page.ts';

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
const profile = mkdtempSync(join(tmpdir(), 'skerry-bench-'));
const browser = await launchBrowser(profile);
try {
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`http://127.0.0.1:${server.port}/`);
  await page.waitForFunction(() => window.bench !== undefined);
  await page.evaluate(() => window.bench.singleWrites('warm-up', 50));

  const { insert, update } = await page.evaluate(() => window.bench.singleWrites('measured', 300));
  console.log('\nmilliseconds, median (95th percentile)');
  printPair('durable insert, one row', insert);
  printPair('durable update, one field', update);
  printPair('durable insert, 1,000 rows at once', await page.evaluate(() => window.bench.bulkInsert(7, 1000)));
  printOne('500 changes from the outbox, confirmed', await page.evaluate(() => window.bench.flush(5, 500)));
  printOne('insert here until shown there', await page.evaluate(() => window.bench.propagation(100)));
} finally {
  await browser.close();
  await server.dispose();
  rmSync(profile, { recursive: true, force: true });
}

function printPair(name: string, { skerry, raw }: Pair): void {
  const ratio = (median(skerry) / median(raw)).toFixed(2);
  printLine(name, cell(skerry), `raw idb ${cell(raw)}`, `ratio ${ratio}`);
}

function printOne(name: string, values: readonly number[]): void {
  printLine(name, cell(values));
}

function cell(values: readonly number[]): string {
  return `${median(values).toFixed(2).padStart(8)} (${quantile(values, 0.95).toFixed(2)})`;
}

/** Disk and memory of 10,000 notes, each way on a profile of its own: bytes of the browser's database, bytes of the page's heap. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { launchBrowser } from '../../e2e/fixtures/browser-process.ts';
import type { holders } from './footprint.ts';

export interface Footprint {
  readonly name: string;
  readonly ours: number;
  readonly plain: number;
  readonly goal: number;
}

interface Sizes {
  readonly storage: number;
  readonly heap: number;
}

export async function measureFootprints(address: string): Promise<readonly Footprint[]> {
  const skerry = await sizesOf('skerry', address);
  const dexie = await sizesOf('dexie', address);
  const fetched = await sizesOf('fetched', address);
  return [
    { name: 'storage of 10,000 notes, beside Dexie', ours: skerry.storage, plain: dexie.storage, goal: 1.3 },
    { name: 'heap after first sync, beside fetch', ours: skerry.heap, plain: fetched.heap, goal: 1.5 },
  ];
}

async function sizesOf(holder: keyof typeof holders, address: string): Promise<Sizes> {
  const profile = mkdtempSync(join(tmpdir(), 'skerry-bench-'));
  try {
    const browser = await launchBrowser(profile);
    const page = browser.pages()[0] ?? (await browser.newPage());
    await page.goto(address);
    await page.waitForFunction(() => window.bench !== undefined);
    await page.evaluate((name) => window.bench.holders[name](), holder);
    const devtools = await browser.newCDPSession(page);
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize: heap } = await devtools.send('Runtime.getHeapUsage');
    await browser.close();
    return { heap, storage: bytesOf(join(profile, 'Default/IndexedDB')) };
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

function bytesOf(folder: string): number {
  return Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0]);
}

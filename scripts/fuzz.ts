/**
 * `npm run fuzz -- --minutes 1`: every parser and boundary against hostile input for so many minutes each, with another seed
 * each time (`--seed` repeats one). Tells the runs of each; the last line is `N passed, N failed`.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ROOT, run } from './process.ts';
import { readVitest, tallyOf } from './tally.ts';

interface Report {
  readonly name: string;
  readonly runs: number;
  readonly seed: number;
  readonly isFailed: boolean;
}

const { minutes, seed } = readOptions();
const folder = join(ROOT, 'test-results');
const reports = join(folder, 'fuzz.jsonl');
const summary = join(folder, 'fuzz.json');
mkdirSync(folder, { recursive: true });
for (const file of [reports, summary]) rmSync(file, { force: true });

const code = await run(
  'vitest',
  ['run', 'scripts/fuzz', '--reporter=default', '--reporter=json', `--outputFile.json=${summary}`],
  { env: { FUZZ_MINUTES: minutes, FUZZ_SEED: seed, FUZZ_REPORT: reports } },
);
const lines = existsSync(reports) ? readFileSync(reports, 'utf8').trim().split('\n') : [];
console.log(`\n${minutes} minutes each, --seed ${seed}`);
for (const line of lines) {
  const { name, runs, isFailed } = JSON.parse(line) as Report;
  console.log(`${isFailed ? '✗' : '✓'} ${name.padEnd(28)} ${String(runs).padStart(10)} runs`);
}
const { passed, failed } = tallyOf(code, readVitest(summary));
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);

function readOptions(): { readonly minutes: string; readonly seed: string } {
  try {
    const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
    const { minutes = '1', seed = String(Date.now() % 2_147_483_647) } = values;
    if (!(Number(minutes) > 0)) throw new Error(`--minutes ${minutes} is not a number above 0`);
    if (!/^\d+$/.test(seed)) throw new Error(`--seed ${seed} is not a number`);
    return { minutes, seed };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

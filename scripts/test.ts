/**
 * `npm test`: checks, unit tests, simulation, browser tests. The last line is the sum of all: `N passed, N failed`.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { check } from './check.ts';
import { e2e } from './e2e.ts';
import { ROOT, run, runReading } from './process.ts';
import { add, readSummary, readVitest, tallyOf, type Tally } from './tally.ts';

const SUITES: readonly { readonly name: string; run(): Promise<Tally> }[] = [
  { name: 'check', run: check },
  { name: 'unit', run: unit },
  { name: 'simulation', run: simulation },
  { name: 'mutants', run: mutants },
  { name: 'e2e', run: e2e },
];

async function unit(): Promise<Tally> {
  const report = join(ROOT, 'test-results/unit.json');
  mkdirSync(join(ROOT, 'test-results'), { recursive: true });
  rmSync(report, { force: true });
  const code = await run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  return tallyOf(code, readVitest(report));
}

/** Two thousand worlds, or as many as a slower machine runs in the time that it may take. */
async function simulation(): Promise<Tally> {
  const { code, lastLine } = await runReading(process.execPath, [
    'scripts/sim.ts',
    '--seeds',
    '2000',
    '--minutes',
    '5',
  ]);
  return tallyOf(code, readSummary(lastLine));
}

/** Whether the simulation still finds what it is known to find. */
async function mutants(): Promise<Tally> {
  const { code, lastLine } = await runReading(process.execPath, ['scripts/sim-mutants.ts', '--quick']);
  return tallyOf(code, readSummary(lastLine));
}

let total: Tally = { passed: 0, failed: 0 };
const lines: string[] = [];
for (const suite of SUITES) {
  console.log(`\n── ${suite.name} ──`);
  const startedMs = performance.now();
  const tally = await suite.run().catch((error: unknown): Tally => {
    console.error(error);
    return { passed: 0, failed: 1 };
  });
  total = add(total, tally);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  lines.push(`${suite.name.padEnd(10)} ${tally.passed} passed, ${tally.failed} failed in ${seconds} s`);
}
console.log(`\n${lines.join('\n')}`);
// Written to the end before the process ends, whatever still hangs on: this line is what a machine reads.
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`, () =>
  process.exit(total.failed === 0 ? 0 : 1),
);

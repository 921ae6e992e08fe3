/**
 * One parser or boundary against anything: a bounded number of runs with a fixed seed in `npm test`, minutes of them with
 * another seed each time in `npm run fuzz -- --minutes 1`, which reads what is reported here.
 */
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';

const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 0);
const REPORT = process.env['FUZZ_REPORT'];
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

/** A hostile case may be long; its seed and path bring all of it back. */
const MOST_TOLD = 4_000;

export const TIMEOUT_MS = MINUTES * 60_000 + 60_000;

export interface FuzzReport {
  readonly name: string;
  readonly runs: number;
  readonly seed: number;
  readonly isFailed: boolean;
}

/** Throws what fast-check found, with the seed and the smallest case. `runs` is for `npm test`: seconds of them. */
export async function fuzz(
  name: string,
  property: fc.IRawProperty<unknown>,
  { runs }: { readonly runs: number },
): Promise<void> {
  const parameters =
    MINUTES > 0
      ? { seed: SEED, numRuns: 1_000_000_000, interruptAfterTimeLimit: MINUTES * 60_000 }
      : { seed: SEED, numRuns: runs };
  const details = await fc.check(property, parameters);
  const report: FuzzReport = { name, runs: details.numRuns, seed: SEED, isFailed: details.failed };
  if (REPORT !== undefined) appendFileSync(REPORT, `${JSON.stringify(report)}\n`);
  if (details.failed) throw new Error(fc.defaultReportMessage(details)?.slice(0, MOST_TOLD));
}

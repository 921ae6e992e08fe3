/** FUZZ_SEEDS=500 FUZZ_FIRST=1000 npm test runs more histories, or that of one seed again. */
import { describe, it } from 'vitest';

import { runHistory } from './fuzz.fixture.ts';

const first = Number(process.env['FUZZ_FIRST'] ?? 1);
const count = Number(process.env['FUZZ_SEEDS'] ?? 40);
const seeds = Array.from({ length: count }, (_, i) => first + i);

/**
 * FUZ1: the stores agree with one another after every step. FUZ2: the app reads what it wrote. FUZ3: devices that have
 * exchanged everything are equal. A failure names the rule, the seed and the last steps.
 */
describe('random histories of two devices with two tabs each', () => {
  it.for(seeds)('[FUZ1] [FUZ2] [FUZ3] seed %i', { timeout: 60_000 }, runHistory);
});

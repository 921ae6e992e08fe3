import { describe, it } from 'vitest';

import { runServersHistory } from './servers-fuzz.fixture.ts';

const FIRST = Number(process.env['FUZZ_FIRST'] ?? 1);
const SEEDS = Number(process.env['FUZZ_SEEDS'] ?? 24);

describe('random histories of real stores between several servers', () => {
  it.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))(
    '[SVF1] [SVF2] [SVF3] seed %d',
    { timeout: 60_000 },
    (seed) => runServersHistory(seed),
  );
});

/** What many seeds came to, and whether they have seen all that they should. */
import { runSeed, stepInWords, type Failure } from './run.ts';
import { MUST_HAPPEN, MUST_HAPPEN_RARELY, SEEDS_TO_SEE_ALL, SEEDS_TO_SEE_RARE } from './counters.ts';

export interface Tally {
  readonly seeds: number;
  readonly changes: number;
  readonly failed: readonly Failure[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface Range {
  readonly first: number;
  /** Of every so many seeds one is run. */
  readonly every: number;
  /** The first that is not run. */
  readonly end: number;
  readonly endsAtMs: number;
  /** Ends with the first failure. */
  readonly isHunt?: boolean;
}

/** Every so manyth seed is run twice: a run that cannot be repeated proves nothing. */
const TWICE = 25;

export function runRange({ first, every, end, endsAtMs, isHunt = false }: Range): Tally {
  const failed: Failure[] = [];
  const counters: Record<string, number> = {};
  let seeds = 0;
  let changes = 0;
  for (let seed = first; seed < end && performance.now() < endsAtMs; seed += every) {
    const outcome = runSeed(seed, seed % TWICE === 0 && !isHunt);
    seeds++;
    if ('failure' in outcome) {
      failed.push(outcome.failure);
      if (isHunt) break;
      continue;
    }
    changes += outcome.result.changes;
    for (const [name, times] of outcome.result.counters) counters[name] = (counters[name] ?? 0) + times;
  }
  return { seeds, changes, failed, counters };
}

export function sum(a: Tally, b: Tally): Tally {
  const counters = { ...a.counters };
  for (const [name, times] of Object.entries(b.counters)) counters[name] = (counters[name] ?? 0) + times;
  return { seeds: a.seeds + b.seeds, changes: a.changes + b.changes, failed: [...a.failed, ...b.failed], counters };
}

/** Prints the counters and the failures; true when all is well. */
export function report(total: Tally, seconds: number, cores: number): boolean {
  const wanted = [
    ...(total.seeds < SEEDS_TO_SEE_ALL ? [] : MUST_HAPPEN),
    ...(total.seeds < SEEDS_TO_SEE_RARE ? [] : MUST_HAPPEN_RARELY),
  ];
  const missing = wanted.filter((name) => !total.counters[name]);
  const perSecond = (total.seeds / seconds).toFixed(1);
  console.log(
    `${total.seeds} seeds, ${total.changes} changes, ${seconds.toFixed(1)} s on ${cores} cores, ${perSecond} seeds/s`,
  );
  for (const [name, times] of Object.entries(total.counters).sort()) console.log(`  ${name}: ${times}`);
  for (const symptom of new Set(total.failed.map((failure) => failure.symptom))) {
    const seeds = total.failed.filter((failure) => failure.symptom === symptom).map(({ seed }) => seed);
    console.error(`${symptom}: ${seeds.length} seeds, ${seeds.slice(0, 12).join(' ')}`);
  }
  for (const { seed, step, message } of total.failed.slice(0, 5))
    console.error(`seed ${seed}, ${stepInWords(step)}: ${message}\n  again: npm run sim -- --seed ${seed}`);
  for (const name of missing) console.error(`never happened: ${name}`);
  const failed = total.failed.length + missing.length;
  console.log(`${total.seeds - total.failed.length} passed, ${failed} failed`);
  return failed === 0;
}

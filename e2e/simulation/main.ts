/**
 * The command `npm run sim`: one world by its seed, or many of them on every core. Prints what happened how often and fails
 * when something interesting never did.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { explain, runSeed, stepInWords } from './run.ts';
import { runShard } from './shards.ts';
import { report, runRange, sum } from './tally.ts';

const USAGE = `npm run sim -- [options]
  --seed N              one world, twice, and whether both runs were the same
  --seeds N --first K   N worlds from seed K (300 from 1), on every core
  --minutes M           as many worlds as fit into M minutes, on every core; with --seeds, N at most
  --shrink S            seconds to make a failing script smaller (30; 0: not at all)
  --help                this text`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  first: { type: 'string', default: '1' },
  minutes: { type: 'string' },
  shrink: { type: 'string', default: '30' },
  /** Internal: which of how many processes this is. */
  shard: { type: 'string' },
  /** Internal: end with the first failure. */
  hunt: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** How many worlds when nothing limits them. */
const SEEDS = 300;

const values = readOptions();

if (values.help === true) console.log(USAGE);
else if (values.seed !== undefined) process.exitCode = runOne(Number(values.seed)) ? 0 : 1;
else if (values.shard !== undefined) process.stdout.write(`${JSON.stringify(runShardHere(values.shard))}\n`);
else process.exitCode = (await runOnEveryCore()) ? 0 : 1;

function readOptions(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    for (const name of ['seed', 'seeds', 'first', 'minutes', 'shrink'] as const) {
      const value = values[name];
      if (value !== undefined && !/^\d+(?:\.\d+)?$/.test(value)) throw new Error(`--${name} ${value} is not a number`);
    }
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function runOne(seed: number): boolean {
  const outcome = runSeed(seed, true);
  if ('result' in outcome) {
    console.log({ seed, ...outcome.result, isReproducible: true });
    console.log('1 passed, 0 failed');
    return true;
  }
  const { step, message } = outcome.failure;
  console.error(`seed ${seed}, ${stepInWords(step)}: ${message}`);
  const shrinkMs = Number(values.shrink) * 1_000;
  if (shrinkMs > 0) console.error(`\nthe smallest script found:\n${explain(seed, shrinkMs)}`);
  console.log('0 passed, 1 failed');
  return false;
}

function runShardHere(shard: string): ReturnType<typeof runRange> {
  const [index, every] = shard.split('/').map(Number) as [number, number];
  const endsAtMs = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
  const seeds = values.seeds ?? (values.minutes === undefined ? SEEDS : Infinity);
  const end = Number(values.first) + Number(seeds);
  return runRange({ first: Number(values.first) + index, every, end, endsAtMs, isHunt: values.hunt === true });
}

async function runOnEveryCore(): Promise<boolean> {
  const startedMs = performance.now();
  const cores = Math.max(1, availableParallelism());
  const range = ['--first', values.first];
  if (values.seeds !== undefined) range.push('--seeds', values.seeds);
  if (values.minutes !== undefined) range.push('--minutes', values.minutes);
  const tallies = await Promise.all(
    Array.from({ length: cores }, (_, i) => runShard(['--shard', `${i}/${cores}`, ...range])),
  );
  const total = tallies.reduce(sum);
  const [first] = total.failed;
  const shrinkMs = Number(values.shrink) * 1_000;
  if (first && shrinkMs > 0)
    console.error(`seed ${first.seed}, the smallest script found:\n${explain(first.seed, shrinkMs)}\n`);
  return report(total, (performance.now() - startedMs) / 1_000, cores);
}

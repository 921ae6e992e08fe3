/**
 * The command `npm run sim:mutants`: switches realistic bugs on, one by one, and looks whether the simulation finds each.
 * Prints how many seeds that took and which invariant was broken. One that survives fails the command.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { runShard } from '../shards.ts';
import { editsOf, mutated, MUTANTS, type Mutant } from './mutants.ts';

const USAGE = `npm run sim:mutants -- [options]
  --name N     this mutant only
  --seeds N    seeds to find a mutant with (400)
  --quick      each with the seed that is known to find it
  --help       this text`;

const { values } = parseArgs({
  options: {
    name: { type: 'string' },
    seeds: { type: 'string', default: '400' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

interface Verdict {
  readonly mutant: Mutant;
  /** null: it survived. */
  readonly found: { readonly seed: number; readonly seeds: number; readonly message: string } | null;
  readonly seconds: number;
}

if (values.help === true) console.log(USAGE);
else process.exitCode = (await run()) ? 0 : 1;

async function run(): Promise<boolean> {
  const wanted = MUTANTS.filter((mutant) => values.name === undefined || mutant.name === values.name);
  if (wanted.length === 0) throw new Error(`there is no mutant ${String(values.name)}`);
  for (const mutant of MUTANTS)
    for (const edit of editsOf(mutant))
      mutated(mutant.name, edit, readFileSync(join(resolve(import.meta.dirname, '../../..'), edit.file), 'utf8'));
  const waiting = [...wanted];
  const verdicts: Verdict[] = [];
  await Promise.all(
    Array.from({ length: Math.max(1, availableParallelism()) }, async () => {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const verdict = await hunt(mutant);
        verdicts.push(verdict);
        console.log(inWords(verdict));
      }
    }),
  );
  const survivors = verdicts.filter(({ found }) => found === null);
  console.log(`${verdicts.length - survivors.length} passed, ${survivors.length} failed`);
  return survivors.length === 0;
}

/** A seed that fails by itself says nothing about a mutant: the hunt goes on behind it. */
async function hunt(mutant: Mutant): Promise<Verdict> {
  const startedMs = performance.now();
  const [first, seeds] = values.quick ? [mutant.seed, 1] : [1, Number(values.seeds)];
  for (let next = first; next < first + seeds;) {
    const { failed } = await runSeeds(next, first + seeds - next, mutant);
    const [failure] = failed;
    if (!failure) break;
    const isOurs = (await runSeeds(failure.seed, 1, null)).failed.length === 0;
    const seconds = (performance.now() - startedMs) / 1_000;
    if (isOurs)
      return {
        mutant,
        found: { seed: failure.seed, seeds: failure.seed - first + 1, message: failure.message },
        seconds,
      };
    next = failure.seed + 1;
  }
  return { mutant, found: null, seconds: (performance.now() - startedMs) / 1_000 };
}

/** Ends with the first failure. */
function runSeeds(first: number, seeds: number, mutant: Mutant | null): ReturnType<typeof runShard> {
  const args = ['--shard', '0/1', '--hunt', '--first', String(first), '--seeds', String(seeds)];
  if (!mutant) return runShard(args);
  return runShard(args, ['--import', join(import.meta.dirname, 'mutate.ts')], { SKERRY_MUTANT: mutant.name });
}

function inWords({ mutant, found, seconds }: Verdict): string {
  const title = mutant.name.padEnd(36);
  if (!found) return `${title} SURVIVED ${seconds.toFixed(0)} s`;
  const [message] = found.message.split('\n');
  return `${title} found after ${found.seeds} seeds (seed ${found.seed}, ${seconds.toFixed(0)} s): ${message!.slice(0, 140)}`;
}

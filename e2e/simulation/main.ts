/**
 * The command `npm run sim`: one world by its seed, or many of them on every core. Prints what happened how often and fails
 * when something interesting never did.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Violation } from './truth.ts';
import { World } from './world.ts';

/** What a run of many seeds must have seen, or it proves less than it says. */
const MUST_HAPPEN = [
  'write',
  'delete',
  'conflict resolved',
  'several steps in one transaction',
  'form saved',
  'link cut',
  'unreachable for a while',
  'deaf for a while',
  'mute for a while',
  'slow for a while',
  'syncing context crashed',
  'browser restarted',
  'server killed',
  'profile put back',
  'profile cloned',
  'constraint: allowed',
  'constraint: rooms open at the end',
  'constraint: seats open at the end',
  'constraint: mentions open at the end',
  'constraint: tree open at the end',
  'clock jumped',
  'server: accepted',
  'server: duplicate',
  'server: CLOCK',
  'open at the end: field',
  'open at the end: delete',
  'open at the end: three versions or more',
];
const SEEDS_TO_SEE_ALL = 200;

const USAGE = `npm run sim -- [options]
  --seed N              one world, twice, and whether both runs were the same
  --seeds N --first K   N worlds from seed K (300 from 1), on every core
  --minutes M           as many worlds as fit into M minutes, on every core
  --help                this text`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string', default: '300' },
  first: { type: 'string', default: '1' },
  minutes: { type: 'string' },
  shard: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

interface Tally {
  seeds: number;
  failed: { readonly seed: number; readonly step: number; readonly message: string }[];
  changes: number;
  counters: Record<string, number>;
}

const values = readOptions();
const shards: ChildProcess[] = [];

if (values.help === true) console.log(USAGE);
else if (values.seed !== undefined) runOne(Number(values.seed));
else if (values.shard !== undefined) process.stdout.write(`${JSON.stringify(runMany(values.shard))}\n`);
else await runOnEveryCore();

function readOptions(): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    for (const name of ['seed', 'seeds', 'first', 'minutes'] as const) {
      const value = values[name];
      if (value !== undefined && !/^\d+(?:\.\d+)?$/.test(value)) throw new Error(`--${name} ${value} is not a number`);
    }
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

function runOne(seed: number): void {
  const world = new World(seed);
  try {
    const result = world.run();
    const again = new World(seed).run();
    console.log({ seed, ...result, isReproducible: again.traceHash === result.traceHash });
    console.log(again.traceHash === result.traceHash ? '1 passed, 0 failed' : '0 passed, 1 failed');
  } catch (error) {
    console.error(`seed ${seed}, step ${world.steps}:`, error);
    console.dir(world.describe(), { depth: 4 });
    process.exitCode = 1;
  }
}

function runMany(shard: string): Tally {
  const [index, count] = shard.split('/').map(Number) as [number, number];
  const endsAt = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
  const last = values.minutes === undefined ? Number(values.first) + Number(values.seeds) : Infinity;
  const tally: Tally = { seeds: 0, failed: [], changes: 0, counters: {} };
  for (let seed = Number(values.first) + index; seed < last && performance.now() < endsAt; seed += count)
    runSeed(seed, tally);
  return tally;
}

function runSeed(seed: number, tally: Tally): void {
  const world = new World(seed);
  tally.seeds++;
  try {
    const result = world.run();
    tally.changes += result.changes;
    for (const [name, times] of result.counters) tally.counters[name] = (tally.counters[name] ?? 0) + times;
    // Every tenth seed is run twice: a run that cannot be repeated proves nothing.
    if (seed % 10 === 0 && new World(seed).run().traceHash !== result.traceHash)
      throw new Violation('a second run of this seed went otherwise');
  } catch (error) {
    tally.failed.push({
      seed,
      step: world.steps,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

async function runOnEveryCore(): Promise<void> {
  process.once('SIGTERM', endShards);
  const startedMs = performance.now();
  const cores = Math.max(1, availableParallelism());
  const tallies = await Promise.all(Array.from({ length: cores }, (_, i) => runShard(`${i}/${cores}`)));
  const total = tallies.reduce(add);
  const missing = total.seeds < SEEDS_TO_SEE_ALL ? [] : MUST_HAPPEN.filter((name) => !total.counters[name]);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${total.seeds} seeds, ${total.changes} changes, ${seconds} s on ${cores} cores`);
  for (const [name, times] of Object.entries(total.counters).sort()) console.log(`  ${name}: ${times}`);
  for (const { seed, step, message } of total.failed.slice(0, 5))
    console.error(`seed ${seed}, step ${step}: ${message}\n  again: npm run sim -- --seed ${seed}`);
  for (const name of missing) console.error(`never happened: ${name}`);
  const failed = total.failed.length + missing.length;
  console.log(`${total.seeds - total.failed.length} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function endShards(): never {
  for (const shard of shards) shard.kill('SIGKILL');
  process.exit(143);
}

function runShard(shard: string): Promise<Tally> {
  const script = fileURLToPath(import.meta.url);
  const args = [...process.execArgv, script, '--shard', shard, '--first', values.first, '--seeds', values.seeds];
  if (values.minutes !== undefined) args.push('--minutes', values.minutes);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    shards.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve(JSON.parse(output) as Tally) : reject(new Error(`shard ${shard} ended with ${code}`)),
    );
  });
}

function add(a: Tally, b: Tally): Tally {
  const counters = { ...a.counters };
  for (const [name, times] of Object.entries(b.counters)) counters[name] = (counters[name] ?? 0) + times;
  return { seeds: a.seeds + b.seeds, failed: [...a.failed, ...b.failed], changes: a.changes + b.changes, counters };
}

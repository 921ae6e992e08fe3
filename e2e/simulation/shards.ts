/** The same program on every core, each with every so manyth seed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Tally } from './tally.ts';

const shards: ChildProcess[] = [];

process.once('SIGTERM', () => {
  for (const shard of shards) shard.kill('SIGKILL');
  process.exit(143);
});

/** Runs `main.ts` with these arguments and reads the tally that it prints. */
export function runShard(
  args: readonly string[],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  const script = fileURLToPath(new URL('./main.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, ...flags, script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    shards.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve(JSON.parse(output) as Tally) : reject(new Error(`a shard ended with ${code}`)),
    );
  });
}

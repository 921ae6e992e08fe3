/**
 * Builds the packages and uses them the way strangers do: their declarations under both kinds of module resolution, the kernel
 * and the server's command in plain Node.
 */
import { build, buildDeclarations } from './build.ts';
import { run, runNode } from './process.ts';

await build({ only: 'sdk' });
await build({ only: 'server' });
await buildDeclarations();

const codes = [
  await run('tsc', ['-p', 'scripts/consumer/tsconfig.bundler.json']),
  await run('tsc', ['-p', 'scripts/consumer/tsconfig.nodenext.json']),
  await runNode([
    '--input-type=module',
    '--eval',
    "import { DEFAULT_LIMITS } from '@skerry/sdk/kernel'; DEFAULT_LIMITS.frameBytes;",
  ]),
  // By its name, as npm has linked it.
  await run('skerry-server', ['--help'], { stdio: ['ignore', 'ignore', 'inherit'] }),
];
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

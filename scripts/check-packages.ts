/**
 * Builds the packages and uses them the way strangers do: their declarations under both kinds of module resolution, the kernel
 * and the server's command in plain Node; and asks the linters of packages about what npm would publish.
 */
import { build, buildDeclarations } from './build.ts';
import { lintPackages } from './lint-packages.ts';
import { run, runNode } from './process.ts';

await build({ only: 'sdk' });
await build({ only: 'server' });
await buildDeclarations();

const codes = [
  await run('tsc', ['-p', 'scripts/consumer/tsconfig.bundler.json']),
  await run('tsc', ['-p', 'scripts/consumer/tsconfig.nodenext.json']),
  await run('tsc', ['-p', 'scripts/consumer/tsconfig.browser.json']),
  await runNode([
    '--input-type=module',
    '--eval',
    "import { DEFAULT_LIMITS } from '@skerry/sdk/kernel'; DEFAULT_LIMITS.frameBytes;",
  ]),
  // By its name, as npm has linked it.
  await run('skerry-server', ['--help'], { stdio: ['ignore', 'ignore', 'inherit'] }),
];
const problems = await lintPackages(['sdk', 'sync-server']);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 && codes.every((code) => code === 0) ? 0 : 1;

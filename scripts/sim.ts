/**
 * `npm run sim [-- arguments]`: the seeded simulation of many replicas; `--help` of `e2e/simulation/main.ts` names the arguments.
 */
import { runNode } from './process.ts';

process.exitCode = await runNode(['--conditions=@skerry/source', 'e2e/simulation/main.ts', ...process.argv.slice(2)]);

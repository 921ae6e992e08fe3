/**
 * `npm run sim:mutants [-- arguments]`: whether the simulation finds planted bugs; `--help` of `e2e/simulation/mutants/main.ts`
 * names the arguments.
 */
import { runNode } from './process.ts';

process.exitCode = await runNode([
  '--conditions=@skerry/source',
  'e2e/simulation/mutants/main.ts',
  ...process.argv.slice(2),
]);

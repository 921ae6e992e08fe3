/**
 * `npm run bench`: the benchmarks of `bench/`: of the kernel, then in a Chromium that is found or installed.
 */
import { findBrowser } from './browser.ts';
import { runNode } from './process.ts';

const kernel = await runNode(['--conditions=@skerry/source', 'bench/kernel/constraints.ts']);
process.exitCode = kernel || (await runNode(['bench/main.ts'], { env: { CHROMIUM_PATH: await findBrowser() } }));

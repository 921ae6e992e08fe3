/**
 * `npm run bench`: the benchmarks of `bench/`, in a Chromium that is found or installed.
 */
import { findBrowser } from './browser.ts';
import { runNode } from './process.ts';

process.exitCode = await runNode(['bench/main.ts'], { env: { CHROMIUM_PATH: await findBrowser() } });

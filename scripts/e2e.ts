/**
 * `npm run e2e [-- playwright arguments]`: the browser tests, on a fresh build of the demo and the SDK, and a Chromium that is found or installed.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findBrowser } from './browser.ts';
import { build } from './build.ts';
import { ROOT, run } from './process.ts';
import { readPlaywright, tallyOf, type Tally } from './tally.ts';

export async function e2e(args: readonly string[] = []): Promise<Tally> {
  const report = join(ROOT, 'test-results/e2e.json');
  mkdirSync(join(ROOT, 'test-results'), { recursive: true });
  rmSync(report, { force: true });
  await build({ only: 'sdk' });
  await build({ only: 'demo' });
  const code = await run('playwright', ['test', '--config', 'e2e/playwright.config.ts', ...args], {
    env: { CHROMIUM_PATH: await findBrowser(), PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  });
  return tallyOf(code, readPlaywright(report));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = await e2e(process.argv.slice(2));
  console.log(`e2e: ${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

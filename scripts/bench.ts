/**
 * `npm run bench [-- kernel | browser]`: the benchmarks of `bench/`, both kinds without an argument. Those of the browser run in
 * a Chromium that is found or installed.
 */
import { findBrowser } from './browser.ts';
import { runNode } from './process.ts';

const BENCHES: Readonly<Record<string, () => Promise<number>>> = {
  kernel: () => runNode(['--expose-gc', '--conditions=@skerry/source', 'bench/kernel/main.ts']),
  browser: async () => runNode(['bench/browser/main.ts'], { env: { CHROMIUM_PATH: await findBrowser() } }),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown === undefined) {
  for (const name of names) process.exitCode = (await BENCHES[name]!()) || process.exitCode || 0;
} else {
  console.error(`There is no benchmark ${unknown}: npm run bench [-- ${Object.keys(BENCHES).join(' | ')}]`);
  process.exitCode = 2;
}

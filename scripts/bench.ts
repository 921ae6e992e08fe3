/**
 * `npm run bench [-- kernel | browser]`: the benchmarks of `bench/`, both kinds without an argument. Those of the browser run in
 * a Chromium that is found or installed; `browser:single,reading` runs some of them.
 */
import { findBrowser } from './browser.ts';
import { runNode } from './process.ts';

const BENCHES: Readonly<Record<string, (parts: readonly string[]) => Promise<number>>> = {
  kernel: () => runNode(['--expose-gc', '--conditions=@skerry/source', 'bench/kernel/main.ts']),
  browser: async (parts) =>
    runNode(['bench/browser/main.ts', ...parts], { env: { CHROMIUM_PATH: await findBrowser() } }),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
const kindOf = (name: string): string => name.split(':')[0]!;
const unknown = names.find((name) => !Object.hasOwn(BENCHES, kindOf(name)));
if (unknown === undefined) {
  for (const name of names) {
    const parts = name.split(':')[1]?.split(',') ?? [];
    process.exitCode = (await BENCHES[kindOf(name)]!(parts)) || process.exitCode || 0;
  }
} else {
  console.error(`There is no benchmark ${unknown}: npm run bench [-- ${Object.keys(BENCHES).join(' | ')}]`);
  process.exitCode = 2;
}

/**
 * `npm run build`: the SDK and the server as packages (`dist` with JavaScript and declarations), the demo as a site.
 *
 * Each part is built when a source is newer than its last build, or always with `--force`.
 */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as rolldown } from 'rolldown';

import { ROOT, run } from './process.ts';

interface Part {
  readonly name: string;
  /** Folders and files that it is made of. */
  readonly sources: readonly string[];
  readonly output: string;
  build(): Promise<void>;
}

const SHARED = ['package-lock.json', 'tsconfig.base.json', 'scripts/build.ts'];

export const PARTS: readonly Part[] = [
  { name: 'sdk', sources: ['sdk', ...SHARED], output: 'sdk/dist', build: buildSdk },
  { name: 'server', sources: ['sync-server', ...SHARED], output: 'sync-server/dist', build: buildServer },
  {
    name: 'demo',
    sources: ['demo-app', 'sdk', 'vite.config.ts', ...SHARED],
    output: 'demo-app/dist',
    build: buildDemo,
  },
];

export async function build(options: { readonly force?: boolean; readonly only?: string } = {}): Promise<void> {
  for (const part of PARTS.filter(({ name }) => options.only === undefined || name === options.only)) {
    if (options.force !== true && isFresh(part)) {
      console.log(`${part.name}: up to date`);
      continue;
    }
    const startedMs = performance.now();
    await part.build();
    const now = new Date();
    utimesSync(join(ROOT, part.output), now, now);
    console.log(`${part.name}: built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
}

/** Copied into our files instead of imported: a few hundred lines each, which would cost every consumer a package. */
const INLINED = [
  { name: '@noble/hashes', licence: 'LICENSE' },
  { name: 'node-diff3', licence: 'LICENSE.md' },
] as const;

async function buildSdk(): Promise<void> {
  const dist = join(ROOT, 'sdk/dist');
  rmSync(dist, { recursive: true, force: true });
  await rolldown({
    input: entries('sdk/src', ['index', 'react', 'kernel', 'worker', 'service-worker', 'testing']),
    external: (id) => isPackage(id) && !INLINED.some(({ name }) => id.startsWith(name)),
    platform: 'browser',
    // Whether this is development is for the app's bundler to say, not for ours.
    transform: { define: { 'process.env.NODE_ENV': 'process.env.NODE_ENV' } },
    output: { dir: dist, format: 'esm', chunkFileNames: '[name]-[hash].js', sourcemap: true, banner: licences },
  });
  for (const { name, licence } of INLINED) {
    copyFileSync(join(ROOT, 'node_modules', name, licence), join(dist, licenceFile(name)));
  }
  nameWorkerBesideIndex(dist);
}

async function buildServer(): Promise<void> {
  const dist = join(ROOT, 'sync-server/dist');
  rmSync(dist, { recursive: true, force: true });
  await rolldown({
    input: entries('sync-server/src', ['index', 'main']),
    external: isPackage,
    platform: 'node',
    output: { dir: dist, format: 'esm', chunkFileNames: '[name]-[hash].js', sourcemap: true },
  });
}

async function buildDemo(): Promise<void> {
  await succeed('demo', run('vite', ['build', '--logLevel', 'warn', '--emptyOutDir']));
}

/**
 * Bundlers of the SDK's users find its worker by one literal, spelled exactly so. In the sources it names the file that
 * is there, which vite follows in development; in `dist` the worker lies beside the code that starts it.
 */
const WORKER_IN_DIST = "new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })";
const WORKER_IN_SOURCE =
  /new Worker\(\s*new URL\("(?:\.\.?\/)+worker\.ts", import\.meta\.url\), \{ type: "module" \}\s*\)/;

function nameWorkerBesideIndex(dist: string): void {
  for (const path of filesIn(dist).filter((file) => file.endsWith('.js'))) {
    const code = readFileSync(path, 'utf8');
    if (WORKER_IN_SOURCE.test(code)) return writeFileSync(path, code.replace(WORKER_IN_SOURCE, WORKER_IN_DIST));
  }
  throw new Error(`sdk/dist must contain ${WORKER_IN_DIST}`);
}

/** What is copied into our files is named there; its licence, with the notice of its author, lies beside it. */
function licences({ moduleIds }: { readonly moduleIds: readonly string[] }): string {
  const copied = INLINED.filter(({ name }) => moduleIds.some((id) => id.includes(`node_modules/${name}/`)));
  return copied.map(({ name }) => `/*! Contains ${name}, MIT License, see ${licenceFile(name)} */`).join('\n');
}

function licenceFile(name: string): string {
  return `LICENSE.${name.replaceAll(/\W+/g, '-').replace(/^-/, '')}`;
}

/**
 * Types of what `build` built. TypeScript leaves `./x.ts` in declarations as it is; a consumer finds `x.d.ts` under `./x.js`.
 */
export async function buildDeclarations(): Promise<void> {
  for (const workspace of ['sdk', 'sync-server']) {
    await succeed(`${workspace} declarations`, run('tsc', ['-p', `${workspace}/tsconfig.build.json`]));
    for (const path of filesIn(join(ROOT, workspace, 'dist')).filter((file) => file.endsWith('.d.ts'))) {
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replaceAll(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]*)\.tsx?(['"])/g, '$1.js$2'));
    }
  }
}

async function succeed(name: string, code: Promise<number>): Promise<void> {
  if ((await code) !== 0) throw new Error(`${name}: the build failed`);
}

function entries(folder: string, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, join(ROOT, folder, `${name}.ts`)]));
}

function isPackage(id: string): boolean {
  return /^(?:[a-z]|@)/i.test(id) && !/^[a-z]:[\\/]/i.test(id);
}

function isFresh(part: Part): boolean {
  const output = join(ROOT, part.output);
  if (!existsSync(output)) return false;
  const builtMs = statSync(output).mtimeMs;
  return part.sources.every((source) => filesIn(join(ROOT, source)).every((file) => statSync(file).mtimeMs <= builtMs));
}

function filesIn(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name !== 'node_modules' && (name !== 'dist' || path.endsWith('dist')))
    .flatMap((name) => filesIn(join(path, name)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({ force: process.argv.includes('--force') });
  await buildDeclarations();
}

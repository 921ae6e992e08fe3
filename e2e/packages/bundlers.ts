/** How people build an app: each bundler with as little configuration as it can do with. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild, transform } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';

export interface Bundler {
  readonly name: string;
  /** Of `./app`. */
  readonly sources: readonly string[];
  /** Builds the app in `folder` into its `dist`. */
  build(folder: string): Promise<void>;
}

const PAGE = ['index.html', 'notes.ts'];

export const BUNDLERS: readonly Bundler[] = [
  { name: 'vite', sources: [...PAGE, 'main.ts'], build: buildWithVite },
  { name: 'webpack', sources: [...PAGE, 'main.ts'], build: buildWithWebpack },
  { name: 'esbuild', sources: [...PAGE, 'main-own-worker.ts', 'sync-worker.ts'], build: buildWithEsbuild },
];

async function buildWithVite(folder: string): Promise<void> {
  addScript(folder, folder, '/main.ts');
  await vite({ root: folder, configFile: false, logLevel: 'warn' });
}

async function buildWithWebpack(folder: string): Promise<void> {
  // Its loaders for TypeScript are no business of ours.
  for (const name of ['notes', 'main']) {
    const { code } = await transform(readFileSync(join(folder, `${name}.ts`), 'utf8'), { loader: 'ts' });
    writeFileSync(join(folder, `${name}.js`), code.replaceAll('.ts"', '.js"'));
  }
  mkdirSync(join(folder, 'dist'));
  addScript(folder, join(folder, 'dist'), './main.js');
  // Its runtime loads scripts, also in a worker, and says so to a page with Trusted Types only when it is told to.
  const output = { path: join(folder, 'dist'), trustedTypes: { policyName: 'app' } };
  // Minifying takes four times as long as the rest and is none of ours.
  const optimization = { minimize: false };
  const compiler = webpack({ context: folder, mode: 'production', entry: './main.js', output, optimization });
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) =>
    compiler.run((error, done) => (error ? reject(error) : resolve(done))),
  );
  await new Promise<void>((resolve) => compiler.close(() => resolve()));
  if (stats?.hasErrors() !== false) throw new Error(stats?.toString({ all: false, errors: true }));
}

async function buildWithEsbuild(folder: string): Promise<void> {
  await esbuild({
    absWorkingDir: folder,
    entryPoints: ['main-own-worker.ts', 'sync-worker.ts'],
    outdir: 'dist',
    bundle: true,
    minify: true,
    format: 'esm',
    logLevel: 'warning',
  });
  addScript(folder, join(folder, 'dist'), './main-own-worker.js');
}

/** The size of a program in the app's folder, as bundled with everything but what the SDK depends on. */
export async function bundledBytes(folder: string, code: string): Promise<number> {
  const { outputFiles } = await esbuild({
    stdin: { contents: code, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    external: ['comlink', 'dexie', 'idb', 'react', 'rxjs'],
    // That it leaves out what is imported for nothing is what is asked here.
    logOverride: { 'ignored-bare-import': 'silent' },
  });
  return outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
}

/** The page of an app, with its script. */
export function addScript(from: string, to: string, script: string): void {
  const page = readFileSync(join(from, 'index.html'), 'utf8');
  if (from !== to) copyFileSync(join(from, 'index.html'), join(to, 'index.html'));
  writeFileSync(
    join(to, 'index.html'),
    page.replace('</head>', `<script type="module" src="${script}"></script></head>`),
  );
}

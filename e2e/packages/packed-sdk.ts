/**
 * An app that has installed the SDK from its tarball, in a folder far from this repository.
 *
 * `npm pack` makes the tarball and tar unpacks it into the app's node_modules, which is what npm does with it. The packages
 * that its package.json declares, and no others, are linked from here, so that nothing is downloaded and whatever it forgot to
 * declare is missing.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = fileURLToPath(new URL('app', import.meta.url));

export interface PackedSdk {
  readonly tarball: string;
  readonly version: string;
  /** What is in it, from the package's own folder. */
  readonly files: readonly string[];
  dispose(): void;
}

export function packSdk(): PackedSdk {
  if (!existsSync(join(ROOT, 'sdk/dist/index.js'))) throw new Error('sdk/dist is missing: npm run build');
  const folder = mkdtempSync(join(tmpdir(), 'skerry-pack-'));
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: join(ROOT, 'sdk'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A list in npm 11, an object of packages in npm 12.
  const [packed] = Object.values(JSON.parse(output) as Readonly<Record<string, Packed>>);
  return {
    tarball: join(folder, packed!.filename),
    version: packed!.version,
    files: packed!.files.map(({ path }) => path),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface Packed {
  readonly filename: string;
  readonly version: string;
  readonly files: readonly { readonly path: string }[];
}

export interface App {
  readonly folder: string;
  dispose(): void;
}

/** A fresh app of these source files of `./app`. */
export function createApp(sdk: PackedSdk, sources: readonly string[]): App {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-app-'));
  const installed = join(folder, 'node_modules/@skerry/sdk');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', sdk.tarball, '-C', installed, '--strip-components=1']);
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) link(name, folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  for (const name of sources) copyFileSync(join(SOURCES, name), join(folder, name));
  return { folder, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

function link(name: string, folder: string): void {
  const to = join(folder, 'node_modules', name);
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), to, 'junction');
}

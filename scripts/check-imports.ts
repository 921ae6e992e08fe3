/**
 * Checks that imports go only the way the architecture allows, and names every one that does not as `file:line`.
 *
 * The table below is the architecture: the longest folder that matches a file decides what that file may import. A type is
 * an import like any other, except where a rule names packages in `types`. A test, or a `.fixture.ts` or `.contract.ts` of
 * tests, may import test tools and all of its own workspace besides.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';

interface Rule {
  /** A folder or a file, from the root of the repository. */
  readonly of: string;
  /** Folders and files it may import besides itself. */
  readonly folders: readonly string[];
  /** Packages it may import, `*` at the end standing for anything; absent: all but our own. */
  readonly packages?: readonly string[];
  /** Packages from which it may import types only. */
  readonly types?: readonly string[];
}

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const sdk = (...names: readonly string[]): readonly string[] => names.map((name) => `sdk/src/${name}`);
const PURE = ['lib', 'core', 'policies', 'constraints', 'protocol', 'session', 'space'];
const KERNEL = ['@skerry/sdk/kernel', '@skerry/sdk/testing'];

export const RULES: readonly Rule[] = [
  { of: 'sdk/src/lib', folders: [], packages: ['@noble/hashes/*'] },
  { of: 'sdk/src/core', folders: sdk('lib'), packages: [] },
  { of: 'sdk/src/policies', folders: sdk('core', 'lib'), packages: ['node-diff3'] },
  { of: 'sdk/src/constraints', folders: sdk('policies', 'core', 'lib'), packages: [] },
  { of: 'sdk/src/protocol', folders: sdk('core', 'lib'), packages: [] },
  { of: 'sdk/src/space', folders: sdk('protocol', 'core', 'lib'), packages: [] },
  // The port of the store is what the session drives; the stores behind it are not its business.
  { of: 'sdk/src/session', folders: sdk('protocol', 'core', 'lib', 'store/device-store.ts'), packages: [] },
  {
    of: 'sdk/src/store',
    folders: sdk('protocol', 'core', 'policies', 'constraints', 'lib'),
    packages: ['dexie', 'idb', 'rxjs'],
  },
  { of: 'sdk/src/transport', folders: sdk('protocol', 'lib'), packages: ['rxjs'] },
  {
    of: 'sdk/src/worker',
    folders: sdk(...PURE, 'store', 'transport', 'worker.ts'),
    packages: ['comlink', 'dexie', 'idb', 'rxjs'],
  },
  {
    of: 'sdk/src/client',
    folders: sdk('store', 'worker', 'core', 'policies', 'constraints', 'lib'),
    packages: ['comlink', 'dexie', 'idb', 'rxjs'],
  },
  { of: 'sdk/src/react', folders: sdk('client'), packages: ['react', 'rxjs'] },
  { of: 'sdk/src/testing', folders: sdk('client', ...PURE, 'store', 'transport', 'worker'), packages: [] },
  // The example of docs/testing.md imports what its readers do.
  { of: 'sdk/src/testing/example.test.ts', folders: [], packages: ['@skerry/sdk', '@skerry/sdk/testing'] },
  { of: 'sdk/src/kernel.ts', folders: sdk(...PURE), packages: [] },
  { of: 'sdk/src/worker.ts', folders: sdk('worker'), packages: ['comlink'] },
  { of: 'sdk/src/service-worker.ts', folders: sdk('worker'), packages: [] },
  { of: 'sdk/src/react.ts', folders: sdk('react', 'client'), packages: [] },
  { of: 'sdk/src/testing.ts', folders: sdk('testing', 'store', 'transport'), packages: [] },
  { of: 'sdk/src/index.ts', folders: sdk('client', 'policies', 'constraints', 'lib'), packages: [] },
  {
    of: 'sync-server/src',
    folders: [],
    packages: [...KERNEL, 'node:*', 'better-sqlite3', 'jose', 'pg', 'pino', 'prom-client', 'ws'],
  },
  {
    of: 'e2e',
    folders: ['sdk/dist', 'sync-server/src', 'e2e/fixtures/site.ts'],
    packages: [...KERNEL, '@skerry/server', 'node:*', 'ws', 'playwright', '@playwright/test', 'vitest'],
    types: ['@skerry/sdk'],
  },
  // With the bundlers that strangers use; the app is theirs.
  {
    of: 'e2e/packages',
    folders: ['e2e'],
    packages: ['node:*', '@playwright/test', 'esbuild', 'vite', 'webpack'],
  },
  { of: 'e2e/fixtures/site.ts', folders: [], packages: ['node:*', 'rolldown', 'svelte/compiler'] },
  { of: 'e2e/pages', folders: [], packages: ['@skerry/sdk', '@skerry/sdk/*', 'react', 'react-dom/*', 'rxjs'] },
  { of: 'e2e/packages/app', folders: [], packages: ['@skerry/sdk', '@skerry/sdk/*'] },
  { of: 'demo-app', folders: [] },
];

const TEST_PACKAGES = [
  'vitest',
  'vitest/node',
  'fast-check',
  'fake-indexeddb',
  'fake-indexeddb/*',
  'node:*',
  'react-dom/*',
  'ws',
  // Validators that the tests bring to prove that any will do.
  'valibot',
  'zod',
  'arktype',
];
const root = fileURLToPath(new URL('..', import.meta.url));

/** Every violation below `base`, a copy of the repository's layout. */
export function checkImports(base: string = root): readonly Violation[] {
  return RULES.map((rule) => rule.of.split('/')[0]!)
    .filter((folder, at, all) => all.indexOf(folder) === at)
    .flatMap((folder) => sourceFiles(join(base, folder)))
    .map((path) => relative(base, path).split(sep).join('/'))
    .flatMap((file) => checkFile(file, readFileSync(join(base, file), 'utf8')));
}

export function checkFile(file: string, source: string): readonly Violation[] {
  const rule = ruleOf(file);
  if (rule === undefined) return [];
  const inTest = /\.(?:test|fixture|contract)\.tsx?$/.test(file);
  return importsOf(file, source).flatMap(({ specifier, line, typeOnly }) => {
    const allowed = specifier.startsWith('.')
      ? mayImportFile(rule, posix.join(dirname(file), specifier), inTest)
      : mayImportPackage(rule, specifier, typeOnly, inTest);
    return allowed ? [] : [{ file, line, message: `${rule.of} may not import ${specifier}` }];
  });
}

function ruleOf(file: string): Rule | undefined {
  return RULES.filter((rule) => inside(rule.of, file)).toSorted((a, b) => b.of.length - a.of.length)[0];
}

function mayImportFile(rule: Rule, target: string, inTest: boolean): boolean {
  const owner = ruleOf(target)?.of ?? target;
  return (
    owner === rule.of ||
    rule.folders.some((folder) => inside(folder, owner) || folder === target) ||
    (inTest && sameWorkspace(rule.of, target))
  );
}

function sameWorkspace(one: string, other: string): boolean {
  return one.split('/')[0] === other.split('/')[0];
}

function mayImportPackage(rule: Rule, specifier: string, typeOnly: boolean, inTest: boolean): boolean {
  const fits = (pattern: string): boolean =>
    pattern.endsWith('*') ? specifier.startsWith(pattern.slice(0, -1)) : specifier === pattern;
  if (inTest && TEST_PACKAGES.some(fits)) return true;
  if (typeOnly && rule.types?.some(fits)) return true;
  return rule.packages === undefined ? !specifier.startsWith('@skerry/server') : rule.packages.some(fits);
}

function inside(folder: string, file: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

/** Static, re-exported, dynamic and type imports, and `new URL('./x', import.meta.url)`, which loads a module too. */
function importsOf(file: string, source: string): readonly Import[] {
  const found: Import[] = [];
  const lineOf = (offset: number): number => source.slice(0, offset).split('\n').length;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null) return;
    const at = node as Node;
    const loaded = specifierOf(at);
    if (typeof loaded?.value === 'string') {
      const typeOnly = at.importKind === 'type' || at.exportKind === 'type' || at.type === 'TSImportType';
      found.push({ specifier: loaded.value, line: lineOf(loaded.start), typeOnly });
    }
    Object.values(at).forEach(visit);
  };
  visit(parseAst(source, { lang: file.endsWith('x') ? 'tsx' : 'ts' }));
  return found;
}

/** What the check looks at in a node of the syntax tree. */
interface Node {
  readonly type?: string;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly source?: Literal | null;
  readonly callee?: { readonly name?: string };
  readonly arguments?: readonly Literal[];
}
interface Literal {
  readonly value?: unknown;
  readonly start: number;
}

function specifierOf(node: Node): Literal | null | undefined {
  const isUrlOfModule =
    node.type === 'NewExpression' &&
    node.callee?.name === 'URL' &&
    node.arguments?.length === 2 &&
    isModule(node.arguments[0]);
  return isUrlOfModule ? node.arguments?.[0] : node.source;
}

function isModule(literal: Literal | undefined): boolean {
  return typeof literal?.value === 'string' && /\.[jt]sx?$/.test(literal.value);
}

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'test-results'].includes(entry.name) ? [] : sourceFiles(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = checkImports();
  for (const { file, line, message } of violations) console.error(`${file}:${line} ${message}`);
  console.log(
    violations.length === 0
      ? 'imports: all in the allowed directions'
      : `imports: ${violations.length} against the architecture`,
  );
  process.exit(violations.length === 0 ? 0 : 1);
}

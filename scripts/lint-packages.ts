/**
 * What publint and "are the types wrong?" say of the packages as npm would publish them. Everything they can find counts, but
 * for what every package that is ESM only has by its nature: it cannot be found by the resolution of Node 10 and is no CommonJS.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { ROOT, run } from './process.ts';

/** Problems of the packages in these workspaces, a line each. They have to be built, with declarations. */
export async function lintPackages(workspaces: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(workspaces.map(lintPackage));
  return found.flat();
}

async function lintPackage(workspace: string): Promise<readonly string[]> {
  const folder = join(ROOT, workspace);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Readonly<Record<string, unknown>>;
  const { messages } = await publint({ pkgDir: folder, strict: true });
  const lines = messages.map((message) => `publint: ${formatMessage(message, manifest) ?? message.code}`);
  return [...lines, ...(await wrongTypes(folder, manifest))].map((line) => `${workspace}: ${line}`);
}

async function wrongTypes(folder: string, manifest: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const packed = mkdtempSync(join(tmpdir(), 'skerry-lint-'));
  try {
    const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', packed];
    if ((await run('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })) !== 0)
      return ['npm pack failed'];
    const tarball = `${String(manifest['name']).replace('@', '').replace('/', '-')}-${String(manifest['version'])}.tgz`;
    const result = await checkPackage(createPackageFromTarballData(readFileSync(join(packed, tarball))));
    if (result.types === false) return ['it has no types'];
    return result.problems.filter(matters).map((problem) => `types: ${JSON.stringify(problem)}`);
  } finally {
    rmSync(packed, { recursive: true, force: true });
  }
}

function matters(problem: Problem): boolean {
  if (problem.kind === 'CJSResolvesToESM') return false;
  return !('resolutionKind' in problem && problem.resolutionKind === 'node10');
}

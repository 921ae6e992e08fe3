/**
 * `npm run check`: types of every workspace, import directions, packages, sizes, lint, format. Each step counts as one test; `npm test` adds them up.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ROOT, run, runNode } from './process.ts';
import type { Tally } from './tally.ts';

const PROJECTS = [
  'tsconfig.json',
  'sdk/tsconfig.pure.json',
  'sdk/tsconfig.json',
  'sdk/tsconfig.worker.json',
  'sdk/tsconfig.test.json',
  'sync-server/tsconfig.json',
  'demo-app/tsconfig.json',
  'e2e/tsconfig.json',
  'docs/examples/tsconfig.json',
];

interface Step {
  readonly name: string;
  run(): Promise<number>;
}

const STEPS: readonly Step[] = [
  ...PROJECTS.map((project) => ({ name: `types ${project}`, run: () => checkTypes(project) })),
  { name: 'import directions', run: () => runNode(['scripts/check-imports.ts']) },
  { name: 'packages as strangers use them', run: () => runNode(['scripts/check-packages.ts']) },
  { name: 'sizes', run: () => runNode(['scripts/size.ts']) },
  { name: 'lint', run: () => run('oxlint', ['--quiet']) },
  { name: 'format', run: () => run('prettier', ['--check', '--log-level', 'warn', '.']) },
];

export async function check(): Promise<Tally> {
  const failed: string[] = [];
  for (const step of STEPS) {
    const code = await step.run();
    console.log(`${code === 0 ? '✓' : '✗'} ${step.name}`);
    if (code !== 0) failed.push(step.name);
  }
  return { passed: STEPS.length - failed.length, failed: failed.length };
}

/** A project without its tsconfig would be checked by nothing, so its absence fails. */
async function checkTypes(project: string): Promise<number> {
  if (existsSync(join(ROOT, project))) return run('tsc', ['-p', project, '--pretty', 'false']);
  console.error(`${project} is missing`);
  return 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = await check();
  console.log(`check: ${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

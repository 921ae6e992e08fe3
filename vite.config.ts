/**
 * The one configuration of vite and vitest. `vite build` and `vite` work on the demo; vitest runs the unit tests of every
 * workspace, each as a project of its own name, so that `vitest --project kernel` runs the kernel alone.
 */
import { availableParallelism } from 'node:os';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** In development every package is its sources: no build stands between an edit and what runs. */
const resolve = { conditions: ['@skerry/source', ...defaultClientConditions] };
const ssr = { resolve: { conditions: ['@skerry/source', ...defaultServerConditions] } };

const KERNEL = 'sdk/src/{lib,core,policies,constraints,protocol,session,space}/**/*.test.ts';

const POSTGRES = 'sync-server/src/storage/postgres/**/*.test.ts';

const tests: ViteUserConfig = {
  resolve,
  ssr,
  test: {
    // Much of the time a test waits: for disks, timers, other processes. The default would be one on two cores.
    maxWorkers: Math.max(3, availableParallelism()),
    // Tests wait for states: how long that takes on a busy machine is no reason to fail.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      project('kernel', [KERNEL]),
      project('sdk', ['sdk/src/**/*.test.ts', 'sdk/src/**/*.test.tsx'], [KERNEL]),
      project('server', ['sync-server/src/**/*.test.ts'], [POSTGRES]),
      // Beside the others, so that only these start a PostgreSQL.
      project('postgres', [POSTGRES], [], ['sync-server/src/storage/postgres/global.fixture.ts']),
      project('demo', ['demo-app/src/**/*.test.ts', 'demo-app/src/**/*.test.tsx']),
      project('tools', ['scripts/**/*.test.ts', 'e2e/fixtures/**/*.test.ts', 'e2e/simulation/**/*.test.ts']),
    ],
  },
};

function project(
  name: string,
  include: string[],
  exclude: string[] = [],
  globalSetup: string[] = [],
): ViteUserConfig & { extends: true } {
  return {
    extends: true,
    test: { name, include, exclude: ['**/node_modules/**', '**/dist/**', ...exclude], globalSetup },
  };
}

/** Loaded only when it is needed: the unit tests have no use for the plugins of the demo. */
async function demo(): Promise<ViteUserConfig> {
  const { demoConfig } = await import('./demo-app/vite.demo.ts');
  return demoConfig();
}

export default defineConfig(() => (process.env['VITEST'] === undefined ? demo() : tests));

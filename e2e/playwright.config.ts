/**
 * Browser tests. Every test starts its own server and its own browsers, so nothing is shared and any order will do.
 */
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results/browser',
  timeout: 120_000,
  expect: { timeout: 15_000 },
  retries: 0,
  // Each test has several browsers of its own.
  workers: 2,
  fullyParallel: true,
  reporter: [['list'], ...(process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] === undefined ? [] : [['json'] as const])],
  projects: [
    { name: 'browser', testDir: './browser' },
    { name: 'packages', testDir: './packages' },
  ],
});

/**
 * The package as strangers install it: packed, unpacked into a fresh app, built by their bundler, opened by two people who sync
 * a note through the packaged worker and a real server, under the strictest content policy.
 */
import { join } from 'node:path';
import { expect, test, type Browser, type Page } from '@playwright/test';
import { createServer as createViteServer } from 'vite';

import { launchWithoutProfile } from '../fixtures/browser-process.ts';
import { serveUnderPolicy, STRICT_POLICY } from '../fixtures/content-policy.ts';
import { startServer } from '../fixtures/server.ts';
import { addScript, BUNDLERS, bundledBytes } from './bundlers.ts';
import { touchedByImporting } from './imports.ts';
import { createApp, packSdk, type App, type PackedSdk } from './packed-sdk.ts';

/** All but the worker's, which runs. */
const ENTRIES = ['@skerry/sdk', '@skerry/sdk/react', '@skerry/sdk/kernel', '@skerry/sdk/testing'];

let sdk: PackedSdk;
let browser: Browser;
const rest: (() => void | Promise<void>)[] = [];

test.beforeAll(async () => {
  sdk = packSdk();
  browser = await launchWithoutProfile();
});
test.afterAll(async () => {
  await browser.close();
  sdk.dispose();
});
test.afterEach(async () => {
  for (const end of rest.splice(0).toReversed()) await end();
});

for (const bundler of BUNDLERS) {
  test(`[PKG1] [PKG3] built by ${bundler.name}, two people sync a note through the worker under a strict content policy`, async () => {
    const app = newApp(bundler.sources);
    await bundler.build(app.folder);
    const server = await startServer({ static: join(app.folder, 'dist') });
    rest.push(() => server.dispose());
    const strict = await serveUnderPolicy(server.port, STRICT_POLICY);
    rest.push(() => strict.close());
    await syncANote(`http://127.0.0.1:${strict.port}`);
  });
}

test('[PKG2] served by vite in development, two people sync a note through the worker', async () => {
  const app = newApp(BUNDLERS[0]!.sources);
  addScript(app.folder, app.folder, '/main.ts');
  const server = await startServer();
  rest.push(() => server.dispose());
  const vite = await createViteServer({
    root: app.folder,
    configFile: false,
    logLevel: 'warn',
    server: { host: '127.0.0.1', port: 0, proxy: { '/sync': { target: `ws://127.0.0.1:${server.port}`, ws: true } } },
  });
  await vite.listen();
  rest.push(() => vite.close());
  await syncANote(vite.resolvedUrls!.local[0]!);
});

test('[PKG4] an entry that is imported for nothing is not in the bundle', async () => {
  const app = newApp([]);
  for (const entry of ENTRIES) {
    const code = `import ${JSON.stringify(entry)}; import * as all from ${JSON.stringify(entry)};`;
    expect([entry, await bundledBytes(app.folder, code)]).toEqual([entry, 0]);
  }
  // What is used is in it, so that this test can fail.
  const used = "import { SkerryError } from '@skerry/sdk'; console.error(new SkerryError('CLOSED', ''));";
  expect(await bundledBytes(app.folder, used)).toBeGreaterThan(1000);
});

test('[PKG5] importing an entry touches nothing', () => {
  const app = newApp([]);
  for (const entry of ENTRIES) expect([entry, touchedByImporting(app.folder, entry)]).toEqual([entry, []]);
  // The worker's does, so that this test can fail.
  expect(touchedByImporting(app.folder, '@skerry/sdk/worker')).not.toEqual([]);
});

function newApp(sources: readonly string[]): App {
  const app = createApp(sdk, sources);
  rest.push(() => app.dispose());
  return app;
}

async function syncANote(url: string): Promise<void> {
  const [anna, ben] = [await openPage(url), await openPage(url)];
  for (const { page } of [anna, ben]) await expect(page.locator('output')).toContainText('online, 0 to send');
  await anna.page.getByLabel('Title').fill('from the packed SDK');
  await anna.page.getByRole('button', { name: 'Add' }).click();
  for (const { page, complaints } of [anna, ben]) {
    await expect(page.locator('li')).toHaveText(['from the packed SDK']);
    expect(page.workers().map((worker) => new URL(worker.url()).origin)).toEqual([new URL(url).origin]);
    expect(complaints).toEqual([]);
  }
}

/** The page of another device, and what it complained about: errors, warnings, violations of the content policy. */
async function openPage(url: string): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const context = await browser.newContext();
  rest.push(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(`uncaught: ${error.error().stack}`));
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

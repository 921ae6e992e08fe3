/** The examples of the docs, each on its framework, all in one browser on one database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { launchBrowser } from '../fixtures/browser-process.ts';
import { startServer } from '../fixtures/server.ts';
import { buildSite } from '../fixtures/site.ts';
import { expect, test } from '../fixtures/test.ts';

const FRAMEWORKS = ['vanilla.ts', 'react.tsx', 'svelte.ts', 'vue.ts', 'solid.ts', 'angular.ts'];

test('[EXA1] the observables drive vanilla, React, Svelte, Vue, Solid and Angular pages as they are', async () => {
  const site = await buildSite(FRAMEWORKS.map((file) => `docs/examples/${file}`));
  const server = await startServer({ static: site.folder });
  const profile = mkdtempSync(join(tmpdir(), 'skerry-e2e-profile-'));
  const context = await launchBrowser(profile);
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(`${error.page()?.url()}: ${error.error().stack}`));
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.page()?.url()}: ${message.text()}`);
  });
  try {
    const pages = await Promise.all(
      FRAMEWORKS.map(async (file) => {
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${server.port}/${file.replace(/\.\w+$/, '.html')}`);
        return page;
      }),
    );
    const [writer] = pages;
    const expectTitles = async (titles: readonly string[]): Promise<void> => {
      for (const page of pages) await expect(page.locator('li'), page.url()).toHaveText([...titles]);
    };
    for (const page of pages) await expect(page.locator('output'), page.url()).toHaveText('local-only');
    await expectTitles([]);
    for (const title of ['unicorn', 'universe']) {
      await writer!.getByLabel('Title').fill(title);
      await writer!.getByRole('button', { name: 'Add' }).click();
      await expect(writer!.getByLabel('Title')).toHaveValue('');
    }
    await expectTitles(['unicorn', 'universe']);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
    await server.dispose();
    site.dispose();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});

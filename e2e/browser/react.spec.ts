/** The hooks in the two versions of React that they are for, in strict mode, in a real browser. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';

import { launchBrowser } from '../fixtures/browser-process.ts';
import { startServer, type SyncServerProcess } from '../fixtures/server.ts';
import { buildSite, type Site } from '../fixtures/site.ts';
import { expect, test } from '../fixtures/test.ts';

for (const react of [18, 19] as const) {
  test.describe(`React ${react}`, () => {
    let site: Site;
    let server: SyncServerProcess;
    let context: BrowserContext;
    let page: Page;
    const profile = mkdtempSync(join(tmpdir(), 'skerry-e2e-profile-'));
    const complaints: string[] = [];

    test.beforeAll(async () => {
      site = await buildSite(['e2e/pages/react-probe.tsx'], react);
      server = await startServer({ static: site.folder });
      context = await launchBrowser(profile);
      context.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
    });

    test.beforeEach(async () => {
      complaints.length = 0;
      page = await context.newPage();
      await page.goto(`http://127.0.0.1:${server.port}/react-probe.html`);
      await page.waitForFunction(() => window.probe !== undefined);
      await page.evaluate(async () => {
        const known = await window.probe.notes.find();
        await Promise.all(known.map(({ id }) => window.probe.notes.delete(id)));
        await window.probe.notes.insertMany([
          { id: 'a1', title: 'a first', group: 'a' },
          { id: 'a2', title: 'a second', group: 'a' },
          { id: 'b1', title: 'b first', group: 'b' },
        ]);
      });
      await expect(page.locator('li')).toHaveText(['a first', 'a second']);
      expect(await page.evaluate(() => window.probe.version)).toMatch(new RegExp(`^${react}\\.`));
    });

    test.afterEach(() => page.close());
    test.afterAll(async () => {
      await context.close();
      await server.dispose();
      site.dispose();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    });

    test('[REACT9] a query that says the same is not started anew by a render', async () => {
      const before = await page.evaluate(() => ({ ...window.probe.subscriptions }));
      expect(before.open).toBe(1);
      for (let rest = 1; rest <= 5; rest += 1) {
        await page.evaluate((to) => window.probe.show({ rest: to }), rest);
        await expect(page.locator('output')).toHaveText(new RegExp(`^local-only 0 \\d+ ${rest}$`));
      }
      expect(await page.evaluate(() => ({ ...window.probe.subscriptions }))).toEqual(before);
      expect(complaints).toEqual([]);
    });

    test('[REACT10] no render shows the rows of another query, however fast queries change', async () => {
      const before = await page.evaluate(() => window.probe.subscriptions.made);
      await page.evaluate(() => {
        for (let i = 0; i < 20; i += 1) setTimeout(() => window.probe.show({ group: i % 2 === 0 ? 'b' : 'a' }), i * 2);
        setTimeout(() => window.probe.show({ group: 'b', rest: 1 }), 50);
      });
      await expect(page.locator('output')).toHaveText(/ 1$/);
      await expect(page.locator('li')).toHaveText(['b first']);
      const { renders, subscriptions } = await page.evaluate(() => ({
        renders: window.probe.renders,
        subscriptions: { ...window.probe.subscriptions },
      }));
      expect(renders.filter(({ asked, groups }) => groups?.some((group) => group !== asked))).toEqual([]);
      // One for each change of the query at most, and only the last one is still there.
      expect(subscriptions.made - before).toBeLessThanOrEqual(21);
      expect(subscriptions.open).toBe(1);
      expect(complaints).toEqual([]);
    });

    test('[REACT11] a write is drawn, and what leaves the page leaves nothing subscribed', async () => {
      await page.evaluate(() => void window.probe.notes.update('a1', { title: 'a changed' }));
      await expect(page.locator('li')).toHaveText(['a changed', 'a second']);
      await page.evaluate(() => window.probe.close());
      await expect(page.locator('ul')).toHaveCount(0);
      expect(await page.evaluate(() => window.probe.subscriptions.open)).toBe(0);
      expect(complaints).toEqual([]);
    });

    test('[REACT8] without an id there is no row; with one it is followed', async () => {
      await expect(page.locator('p')).toHaveText('none');
      await page.evaluate(() => window.probe.show({ chosen: 'b1' }));
      await expect(page.locator('p')).toHaveText('b first');
      await page.evaluate(() => void window.probe.notes.update('b1', { title: 'b changed' }));
      await expect(page.locator('p')).toHaveText('b changed');
      await page.evaluate(() => window.probe.show({ chosen: 'nobody' }));
      await expect(page.locator('p')).toHaveText('none');
      expect(complaints).toEqual([]);
    });

    test('[REACT7] what a query fails with reaches the nearest error boundary', async () => {
      await page.evaluate(() => window.probe.fail());
      await expect(page.getByText('cannot be read')).toBeVisible();
      await expect(page.locator('li')).toHaveText(['a first', 'a second']);
    });
  });
}

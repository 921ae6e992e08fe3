/** The playground: real devices in frames, whose scenarios and timeline are looked at as a visitor does. */
import type { Page } from '@playwright/test';

import { serveUnderPolicy, STRICT_POLICY } from '../fixtures/content-policy.ts';
import { Device } from '../fixtures/device.ts';
import { expect, SETTLE_MS, test } from '../fixtures/test.ts';

/** Of each scenario: how many claims it makes, and whether somebody wrote without having seen somebody else. */
const SCENARIOS = [
  ['Same field', 2, true],
  ['Different fields', 2, true],
  ['Same paragraph', 2, true],
  ['Delete against edit', 3, true],
  ['Double booking', 2, true],
  ['Three devices', 2, true],
  ['Wrong clock', 2, false],
  ['Crash before sync', 2, false],
] as const;

async function playToTheEnd(page: Page): Promise<void> {
  await page.getByTestId('play').click();
  await page.getByTestId('hurry').click();
  await expect(page.getByTestId('again')).toBeVisible({ timeout: SETTLE_MS });
}

/** How many hours the clocks of the devices are ahead of the page's. */
function hoursAhead(page: Page): Promise<readonly number[]> {
  return page.evaluate(() =>
    Array.from(document.querySelectorAll('iframe'), ({ contentWindow }) => {
      const { Date: ItsDate } = contentWindow as unknown as typeof globalThis;
      return Math.round((ItsDate.now() - Date.now()) / 3_600_000);
    }),
  );
}

test('[E2EU1] every scenario plays on real devices under a strict content policy, and its claims hold', async ({
  world,
}) => {
  // Some twenty devices, one after the other.
  test.setTimeout(300_000);
  const strict = await serveUnderPolicy(world.server.port, STRICT_POLICY);
  const visitor = await Device.open({ serverPort: strict.port, user: 'visitor', device: 'Laptop' });
  const { page } = visitor;
  try {
    await page.goto(`${visitor.origin}/#/playground/same-field`);
    for (const [name, claims, isConcurrent] of SCENARIOS) {
      await test.step(name, async () => {
        await page.getByRole('link', { name, exact: true }).click();
        await playToTheEnd(page);
        await expect(page.getByTestId('claim').and(page.locator('[data-outcome=holds]'))).toHaveCount(claims);
        await expect(page.getByTestId('claim')).toHaveCount(claims);
        await expect(page.getByTestId('agreement')).toHaveAttribute('data-same', 'true');
        await expect(page.getByTestId('neither-saw')).toHaveCount(isConcurrent ? 1 : 0);
        await expect(page.getByTestId('vectors').locator('[data-behind]')).toHaveCount(0);
        if (name === 'Wrong clock') expect(await hoursAhead(page)).toEqual([0, 3]);
      });
    }

    await page.goto(`${visitor.origin}/#/playground/free`);
    const [anna, bruno] = ['Anna', 'Bruno'].map((name) => page.frameLocator(`iframe[title^="The app on ${name}"]`));
    await page.getByTestId('cut-bruno').click();
    await anna!.getByTestId('new-note').click();
    await anna!.getByTestId('note-title').fill('Written apart');
    await bruno!.getByTestId('new-note').click();
    await bruno!.getByTestId('note-title').fill('So is this');
    await expect(page.getByTestId('agreement')).toHaveAttribute('data-same', 'false');
    await expect(page.getByTestId('vectors').locator('[data-behind]').first()).toBeVisible();
    await page.getByTestId('add-device').click();
    await page.getByTestId('cut-bruno').click();
    await expect(page.getByTestId('agreement')).toHaveText('All 3 devices show the same.', { timeout: SETTLE_MS });
    await expect(page.getByTestId('neither-saw').first()).toBeVisible();

    await page.reload();
    await expect(page.getByTestId('agreement')).toHaveAttribute('data-same', 'true');
    const stored = (): Promise<number> =>
      page.evaluate(async () => {
        const names = (await indexedDB.databases()).map(({ name }) => name ?? '');
        return names.filter((name) => name.includes('skerry/playground-')).length;
      });
    await expect.poll(stored).toBe(2);
    expect(visitor.console.filter((line) => /^(?:error|warning|uncaught):/.test(line))).toEqual([]);
  } finally {
    await visitor.dispose();
    await strict.close();
  }
});

test('[E2EU2] on a phone and by keyboard: one device at a time, and no frame takes the focus', async ({ world }) => {
  const visitor = await world.device('visitor', 'Phone', { width: 390, height: 844 });
  const { page } = visitor;
  await page.goto(`${visitor.origin}/#/playground`);
  await page.getByTestId('play').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('hurry')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('again')).toBeFocused({ timeout: SETTLE_MS });
  await expect(page.getByTestId('claim').and(page.locator('[data-outcome=holds]'))).toHaveCount(2);

  await page.getByRole('button', { name: "Anna's laptop" }).click();
  await expect(page.getByTestId('device-anna')).toBeVisible();
  await expect(page.getByTestId('device-bruno')).toBeHidden();
  const anna = page.frameLocator('iframe[title^="The app on Anna"]');
  await anna.getByTestId('keep-version').first().click();
  await page.getByRole('button', { name: "Bruno's phone" }).click();
  await expect(page.getByTestId('device-bruno')).toContainText('Up to date');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
});

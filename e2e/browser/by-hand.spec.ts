/** The main job as two people do it: with the app's own controls, its switch for the network included. */
import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

/** The panel goes away when its switch is clicked. */
async function setNetwork({ page }: Device, isCut: boolean): Promise<void> {
  await page.getByTestId('sync-chip').click();
  await expect(page.getByRole('switch', { name: /cut the network/i })).toBeChecked({ checked: !isCut });
  await page.getByTestId('cut-network').click();
  const connection = isCut ? 'paused' : 'online';
  await expect(page.locator('html')).toHaveAttribute('data-connection', connection, { timeout: SETTLE_MS });
}

async function type(device: Device, testId: string, text: string): Promise<void> {
  await device.page.getByTestId(testId).fill(text);
  await device.page.getByTestId(testId).blur();
}

test('[E2EA3] by hand: cut the network, type universe and unicorn, reconnect, decide', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  const ben = await world.device('ben', "Ben's phone", { width: 390, height: 844 });
  await anna.page.getByTestId('new-note').click();
  await type(anna, 'note-title', 'A word');
  await type(anna, 'note-body', 'that both will change');
  await ben.page.getByTestId('note-item').filter({ hasText: 'A word' }).click();
  await expect(ben.page.getByTestId('note-body')).toHaveValue('that both will change');
  await expectConverged(anna, ben);

  for (const device of [anna, ben]) await setNetwork(device, true);
  await type(anna, 'note-title', 'universe');
  await type(ben, 'note-title', 'unicorn');
  for (const device of [anna, ben]) await expect(device.page.locator('html')).not.toHaveAttribute('data-pending', '0');
  for (const device of [anna, ben]) await setNetwork(device, false);

  for (const { page } of [anna, ben]) {
    await expect(page.getByTestId('conflict-badge')).toHaveText('1', { timeout: SETTLE_MS });
    await expect(page.getByTestId('conflict-version')).toHaveCount(2);
    await expect(page.getByTestId('conflict-item')).toContainText('universe');
    await expect(page.getByTestId('conflict-item')).toContainText('unicorn');
  }
  await ben.page.getByTestId('conflict-version').filter({ hasText: 'unicorn' }).getByTestId('keep-version').click();
  for (const { page } of [anna, ben]) {
    await expect(page.getByTestId('conflict-badge')).toHaveCount(0, { timeout: SETTLE_MS });
    await expect(page.getByTestId('note-title')).toHaveValue('unicorn');
  }
  await expectConverged(anna, ben);
});

test('[E2ED3] by hand: two people book one room, one takes the free one that is offered', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  const ben = await world.device('ben', "Ben's laptop");
  for (const device of [anna, ben]) {
    await device.page.getByRole('link', { name: /calendar/i }).click();
    await device.settled();
    await setNetwork(device, true);
  }
  for (const [device, title] of [
    [anna, 'Planning'],
    [ben, 'Interview'],
  ] as const) {
    const { page } = device;
    await page.getByTestId('new-event').click();
    await page.getByTestId('event-title').fill(title);
    await page.getByTestId('event-room').selectOption('Room A');
    await page.getByTestId('event-save').click();
    await expect(page.getByTestId('event').filter({ hasText: title })).toBeVisible();
  }
  for (const device of [anna, ben]) await setNetwork(device, false);
  for (const { page } of [anna, ben]) {
    await expect(page.getByTestId('double-booking')).toContainText('Planning', { timeout: SETTLE_MS });
    await expect(page.getByTestId('double-booking')).toContainText('Interview');
  }
  await anna.page.getByTestId('suggestion').first().click();
  for (const { page } of [anna, ben])
    await expect(page.getByTestId('double-booking')).toHaveCount(0, { timeout: SETTLE_MS });
  await expectConverged(anna, ben);
});

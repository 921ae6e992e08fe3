/** What a person sets: names, a copy of everything as a file, samples. */
import { readFile } from 'node:fs/promises';

import { expect, expectConverged, test, type Device } from '../fixtures/test.ts';

const NOTE = { id: 'note', title: 'Groceries', body: 'milk and bread', tags: ['lists'], pinned: false };

async function openSettings({ page }: Device): Promise<void> {
  await page.getByRole('link', { name: 'Settings' }).first().click();
  await expect(page.getByTestId('settings-names')).toBeVisible();
}

test('[E2EQ1] a device and a person take other names, keep what they had, and others read the new names', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  await openSettings(anna);
  const { page } = anna;
  await page.getByTestId('user-name').fill('Anna Berg');
  await page.getByTestId('device-name').fill('Kitchen tablet');
  await page.getByTestId('save-names').click();
  await expect(page.getByTestId('save-names')).toBeDisabled();
  await anna.ready();
  await expect(page.getByTestId('device-name')).toHaveValue('Kitchen tablet');
  expect(await anna.db((db) => db.notes.get('note'))).toMatchObject(NOTE);

  await anna.db((db) => db.notes.update('note', { title: 'Shopping' }));
  await expectConverged(anna, ben);
  await ben.page.getByTestId('note-item').click();
  await ben.page.getByTestId('note-history').click();
  const entries = ben.page.getByTestId('history-entry');
  await expect(entries.nth(0)).toContainText('Anna Berg · Kitchen tablet');
  await expect(entries.nth(1)).toContainText("Anna · Anna's laptop");
});

test('[E2EQ2] a backup is a file that brings back what was deleted; a file that is none is said to be none', async ({
  world,
}) => {
  const anna = await world.device('anna', "Anna's laptop");
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await openSettings(anna);
  const { page } = anna;
  const saving = page.waitForEvent('download');
  await page.getByTestId('back-up').click();
  const path = await (await saving).path();
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ notes: [NOTE], events: [] });

  await anna.db((db) => db.notes.delete('note'));
  const outcome = page.getByTestId('backup-outcome');
  await page
    .getByTestId('backup-file')
    .setInputFiles({ name: 'calendar.ics', mimeType: 'text/calendar', buffer: Buffer.from('BEGIN:VCALENDAR') });
  await expect(outcome).toContainText('This is not a backup');
  await page.getByTestId('backup-file').setInputFiles(path);
  await expect(outcome).toContainText('Brought back 1 note.');
  expect(await anna.db((db) => db.notes.get('note'))).toMatchObject(NOTE);

  await page.getByTestId('verify').click();
  await expect(page.getByTestId('check-outcome')).toContainText('holds together');
  const reporting = page.waitForEvent('download');
  await page.getByTestId('save-report').click();
  const report = await readFile(await (await reporting).path(), 'utf8');
  expect(JSON.parse(report)).toMatchObject({ format: 'skerry-debug' });
  expect(report).not.toContain('milk and bread');
});

test('[E2EQ3] samples come and go with one click each, for everyone, except for what somebody edited', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  for (const device of [anna, ben]) {
    await device.installed();
    device.cut();
    await device.page.getByTestId('add-samples').click();
    await expect(device.page.getByTestId('toast')).toContainText('Added 200 notes');
  }
  for (const device of [anna, ben]) device.heal();
  await expectConverged(anna, ben);
  expect(await anna.conflicts()).toEqual([]);
  expect(await ben.db((db) => db.notes.count())).toBe(200);

  await ben.db((db) => db.notes.update('sample-note-00002', { body: 'milk' }));
  await expectConverged(ben, anna);
  await openSettings(anna);
  await anna.page.getByTestId('remove-samples').click();
  const toast = anna.page.getByTestId('toast').filter({ hasText: 'Removed' });
  await expect(toast).toContainText('1 that somebody had edited stayed');
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.notes.count())).toBe(1);
  expect(await ben.db((db) => db.events.count())).toBe(0);
  await toast.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => anna.db((db) => db.notes.count())).toBe(200);
  await expectConverged(anna, ben);
});

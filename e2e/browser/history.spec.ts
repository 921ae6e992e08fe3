/** What a note was before, and what became of one's own version, through the app's own controls. */
import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

const NOTE = { id: 'note', title: 'Groceries', body: 'milk and bread', tags: ['lists'], pinned: false };
const PHONE = { width: 390, height: 844 };

async function openNote({ page }: Device, title: string): Promise<void> {
  await page.getByTestId('note-item').filter({ hasText: title }).click();
  await expect(page.getByTestId('note-title')).toHaveValue(title);
}

async function write({ page }: Device, testId: string, text: string): Promise<void> {
  await page.getByTestId(testId).fill(text);
  await page.getByTestId(testId).blur();
  await expect(page.getByTestId('save-state')).not.toContainText('Typing');
}

test('[E2EN1] the history of a note tells two people what each changed; a version is restored offline, undone, restored again, and arrives', async ({
  world,
}) => {
  const anna = await world.device('anna', "Anna's laptop");
  const ben = await world.device('ben', "Ben's phone", PHONE);
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) await openNote(device, 'Groceries');
  await write(anna, 'note-body', 'milk and rye bread');
  await expectConverged(anna, ben);
  await write(ben, 'note-title', 'Shopping');
  await expectConverged(ben, anna);

  await ben.page.getByTestId('note-history').click();
  const entries = ben.page.getByTestId('history-entry');
  await expect(entries).toHaveCount(3);
  await expect(entries.nth(0)).toContainText('You · this phone');
  await expect(entries.nth(0)).toContainText('Shown now');
  await expect(entries.nth(0).locator('del')).toContainText('Groceries');
  await expect(entries.nth(0).locator('ins')).toContainText('Shopping');
  await expect(entries.nth(1)).toContainText("Anna · Anna's laptop");
  await expect(entries.nth(1).locator('ins')).toContainText('rye');
  await expect(entries.nth(2)).toContainText('Made the note');

  ben.cut();
  await entries.nth(2).getByTestId('restore-version').click();
  await expect(entries).toHaveCount(4);
  await expect(entries.nth(0)).toContainText('Not synced yet');
  const restored = () => ben.db((db) => db.notes.get('note'));
  await expect.poll(restored).toMatchObject({ title: 'Groceries', body: 'milk and bread' });
  await ben.page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
  await expect.poll(restored).toMatchObject({ title: 'Shopping', body: 'milk and rye bread' });
  await entries.last().getByTestId('restore-version').click();
  await expect.poll(restored).toMatchObject({ title: 'Groceries', body: 'milk and bread' });
  await ben.page.getByRole('button', { name: 'Close the history' }).click();
  await expect(ben.page.getByTestId('history-panel')).toHaveCount(0);

  await anna.page.getByTestId('note-history').click();
  await expect(anna.page.getByTestId('history-entry').first()).toContainText('Shopping');
  ben.heal();
  await expectConverged(anna, ben);
  await expect(anna.page.getByTestId('note-title')).toHaveValue('Groceries');
  await expect(anna.page.getByTestId('history-entry').first()).toContainText("Ben · Ben's phone");

  await ben.page.getByTestId('delete-note').click();
  await expect(anna.page.getByText('This note is not here')).toBeVisible({ timeout: SETTLE_MS });
  await expect(anna.page.getByTestId('history-entry').first()).toContainText('Deleted the note');
  await anna.page.getByTestId('history-entry').nth(1).getByTestId('restore-version').click();
  await expect(anna.page.getByTestId('note-title')).toHaveValue('Groceries');
  await expectConverged(anna, ben);
});

test('[E2EN2] whose title somebody else did not keep is told so, sees it marked in the history, and gets it back', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) device.cut();
  await anna.db((db) => db.notes.update('note', { title: 'universe' }));
  await ben.db((db) => db.notes.update('note', { title: 'unicorn' }));
  for (const device of [anna, ben]) device.heal();
  for (const { page } of [anna, ben])
    await expect(page.getByTestId('conflict-badge')).toHaveText('1', { timeout: SETTLE_MS });

  await ben.page.getByTestId('note-item').click();
  await ben.page.getByTestId('conflict-version').filter({ hasText: 'unicorn' }).getByTestId('keep-version').click();
  const notice = anna.page.getByTestId('toast');
  await expect(notice).toContainText('Ben decided the title', { timeout: SETTLE_MS });
  await expect(notice).toContainText('‘universe’');
  await notice.getByRole('button', { name: 'Show' }).click();
  const lost = anna.page.getByTestId('history-entry').filter({ hasText: 'Not kept' });
  await expect(lost.locator('ins')).toContainText('universe');
  await expect(ben.page.getByTestId('toast')).toHaveCount(0);

  await anna.reload();
  await expect(lost).toHaveCount(1);
  await lost.getByTestId('restore-version').click();
  await expect(anna.page.getByTestId('note-title')).toHaveValue('universe');
  await expectConverged(anna, ben);
  await expect(ben.page.getByTestId('note-title')).toHaveValue('universe');
});

test('[E2EN3] who edited what somebody else decided to delete is told so, and brings it back from the notice', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) device.cut();
  await anna.db((db) => db.notes.update('note', { body: 'milk, bread and a chart' }));
  await ben.db((db) => db.notes.delete('note'));
  for (const device of [anna, ben]) device.heal();
  for (const { page } of [anna, ben])
    await expect(page.getByTestId('conflict-badge')).toHaveText('1', { timeout: SETTLE_MS });
  await ben.db(async (db) => {
    const [conflict] = db.conflicts$.value;
    if (conflict?.kind === 'delete') await conflict.resolve('delete');
  });
  const notice = anna.page.getByTestId('toast');
  await expect(notice).toContainText('Ben deleted ‘Groceries’', { timeout: SETTLE_MS });
  await notice.getByRole('button', { name: 'Restore' }).click();
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.notes.get('note'))).toMatchObject({ body: 'milk, bread and a chart' });
});

test('[E2EN4] the panel tells which devices have written, and how safe this one is', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  const ben = await world.device('ben', "Ben's phone", PHONE);
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  await ben.db((db) => db.notes.update('note', { pinned: true }));
  await expectConverged(ben, anna);
  await ben.page.getByTestId('sync-chip').click();
  const devices = ben.page.getByTestId('device');
  await expect(devices).toHaveCount(2);
  await expect(devices.nth(0)).toContainText("Ben's phonethis one");
  await expect(devices.nth(1)).toContainText("Anna's laptop");
  await expect(devices.nth(1)).toContainText('Anna · wrote just now');
  const storage = ben.page.getByTestId('storage');
  await expect(storage).toContainText(/Used.* of /);
  const persisted = await ben.db((db) => db.storage$.value.persisted);
  await expect(storage).toContainText(persisted ? 'Yes, until you clear it' : 'No, the browser may delete it');
  if (persisted) return;
  await storage.getByTestId('protect-storage').click();
  await expect(storage.getByRole('status')).toContainText(/The browser (keeps what|does not promise)/);
});

test('[E2EN5] a double booking names who booked, also where the rows do not say', async ({ world }) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) device.cut();
  const slot = { room: 'Room A', start: '2026-11-17T10:00', end: '2026-11-17T11:00' };
  await anna.db((db, event) => db.events.insert(event), { ...slot, title: 'Planning' });
  await ben.db((db, event) => db.events.insert(event), { ...slot, title: 'Interview' });
  for (const device of [anna, ben]) device.heal();
  await expectConverged(anna, ben);
  await anna.page.getByRole('link', { name: /conflicts/i }).click();
  const card = anna.page.getByTestId('double-booking');
  await expect(card).toContainText('You · this laptop');
  await expect(card).toContainText("Ben · Ben's phone");
});

test('[E2EN6] the history of an event tells who moved it where; a version is restored, undone, and a cancelled event comes back', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone", PHONE)];
  const day = '2026-11-17';
  const event = { id: 'event', title: 'Planning', room: 'Room A', start: `${day}T10:00`, end: `${day}T11:00` };
  await anna.db((db, row) => db.events.insert(row), event);
  await expectConverged(anna, ben);
  await ben.db((db, end) => db.events.update('event', { room: 'Room B', end }), `${day}T12:00`);
  await expectConverged(ben, anna);

  await anna.page.evaluate((path) => void (location.hash = path), `#/calendar/${day}/event`);
  await anna.page.getByTestId('event-title').fill('Planning, not saved yet');
  await anna.page.getByTestId('event-history').click();
  const entries = anna.page.getByTestId('history-entry');
  await expect(entries).toHaveCount(2);
  await expect(entries.nth(0)).toContainText("Ben · Ben's phone");
  await expect(entries.nth(0).locator('del').first()).toContainText('Room A');
  await expect(entries.nth(0).locator('ins').last()).toContainText('10:00–12:00');
  await expect(entries.nth(1)).toContainText('Booked it');

  await entries.nth(1).getByTestId('restore-version').click();
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.events.get('event'))).toMatchObject(event);
  await anna.page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.events.get('event'))).toMatchObject({ room: 'Room B' });
  await anna.page.getByRole('link', { name: 'Back to the event' }).click();
  await expect(anna.page.getByTestId('event-title')).toHaveValue('Planning, not saved yet');

  await anna.page.getByTestId('delete-event').click();
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.events.get('event'))).toBeUndefined();
  await ben.page.evaluate((path) => void (location.hash = path), `#/calendar/${day}/event/history`);
  const known = ben.page.getByTestId('history-entry');
  await expect(known.first()).toContainText('Cancelled it');
  await known.nth(1).getByTestId('restore-version').click();
  await expectConverged(ben, anna);
  expect(await anna.db((db) => db.events.get('event'))).toMatchObject({ title: 'Planning', room: 'Room B' });
});

/** The page of everything that waits for a person: by keyboard, narrowed, and many at once. */
import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

const NAMES = ['one', 'two', 'three', 'four'];

interface World {
  device(user: string, device: string): Promise<Device>;
}

/** Four notes with two titles each, and Anna on the page that lists them. */
async function fourToDecide(world: World): Promise<{ readonly anna: Device; readonly ben: Device }> {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  await anna.db(
    (db, names) =>
      db.notes.insertMany(names.map((id) => ({ id, title: id, body: '', tags: [], pinned: false }))).then(() => null),
    NAMES,
  );
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) device.cut();
  for (const [device, who] of [
    [anna, 'Anna'],
    [ben, 'Ben'],
  ] as const)
    for (const id of NAMES)
      await device.db((db, [row, title]) => db.notes.update(row!, { title: title! }), [id, `${id} by ${who}`]);
  for (const device of [anna, ben]) device.heal();
  await expectConverged(anna, ben);
  await anna.page.evaluate(() => void (location.hash = '#/conflicts'));
  await expect(anna.page.getByTestId('conflict-item')).toHaveCount(4, { timeout: SETTLE_MS });
  return { anna, ben };
}

/** Of each note whose title it has. */
async function authors(device: Device): Promise<readonly string[]> {
  const notes = await device.db((db) => db.notes.find({ orderBy: 'title' }));
  return NAMES.map((id) =>
    notes
      .find((note) => note.id === id)!
      .title.split(' ')
      .at(-1)!,
  );
}

test('[E2ES1] by keyboard alone: go through, choose, hear what is left and that it can be undone, undo', async ({
  world,
}) => {
  const { anna, ben } = await fourToDecide(world);
  const { page } = anna;
  const items = page.getByTestId('conflict-item');
  await items.first().focus();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await expect(items.nth(1)).toBeFocused();
  const name = (await items.nth(1).getByRole('link').textContent())!;
  const id = NAMES.find((one) => name.includes(`‘${one} `))!;
  const title = (device: Device) => device.db((db, row) => db.notes.get(row).then((note) => note?.title), id);
  // Ben wrote later, so his is shown for now.
  expect(await title(ben)).toBe(`${id} by Ben`);
  const versions = await items.nth(1).getByTestId('conflict-version').allTextContents();
  await page.keyboard.press(String(versions.findIndex((text) => text.includes('by Anna')) + 1));
  await expect(page.getByTestId('announcement')).toHaveText('Kept your title. 3 left. Undo available.');
  await expect(items).toHaveCount(3);
  await expect(items.nth(1)).toBeFocused();
  await expectConverged(anna, ben);
  expect(await title(ben)).toBe(`${id} by Anna`);

  await page.keyboard.press('u');
  await expect(page.getByTestId('toast')).toHaveCount(0);
  await expect.poll(() => title(anna)).toBe(`${id} by Ben`);
  await expectConverged(anna, ben);
  expect(await title(ben)).toBe(`${id} by Ben`);
});

test('[E2ES2] several at once: narrowed to notes, shown before, one left out, undone together', async ({ world }) => {
  const { anna, ben } = await fourToDecide(world);
  const { page } = anna;
  const booking = { title: 'Planning', room: 'Room A', start: '2026-11-17T10:00', end: '2026-11-17T11:00' };
  await anna.db((db, row) => db.events.insertMany([row, row]).then(() => null), booking);
  const items = page.getByTestId('conflict-item');
  await expect(items).toHaveCount(5);
  await page.getByTestId('conflict-facet').filter({ hasText: 'Events' }).click();
  await expect(items).toHaveCount(1);
  await expect(page.getByTestId('decide-several')).toHaveCount(0);
  await page.getByTestId('conflict-facet').filter({ hasText: 'Notes' }).click();
  await expect(items).toHaveCount(4);

  await page.getByTestId('decide-several').click();
  await page.getByTestId('bulk-rule').filter({ hasText: 'Keep mine' }).click();
  const plan = page.getByTestId('bulk-item');
  await expect(plan).toHaveCount(4);
  for (const id of NAMES) {
    await expect(plan.filter({ hasText: `‘${id} by Anna’` })).toContainText(`not ‘${id} by Ben’`);
  }
  await plan.filter({ hasText: 'three by' }).getByRole('checkbox').uncheck();
  await page.getByTestId('bulk-decide').click();
  await expect(page.getByTestId('announcement')).toHaveText('Decided 3 (Keep mine). 2 left. Undo available.');
  await expect(page.getByTestId('conflict-badge')).toHaveText('2');
  await expectConverged(anna, ben);
  expect(await authors(ben)).toEqual(['Anna', 'Anna', 'Ben', 'Anna']);
  await page.getByTestId('toast').getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => authors(anna)).toEqual(['Ben', 'Ben', 'Ben', 'Ben']);
  await expectConverged(anna, ben);
  expect(await authors(ben)).toEqual(['Ben', 'Ben', 'Ben', 'Ben']);
});

test('[E2ES3] what was merged without a question is listed on both devices with who wrote it; what is asked about is not', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  await anna.db((db) =>
    db.notes
      .insertMany(['merged', 'asked'].map((id) => ({ id, title: id, body: 'milk', tags: [], pinned: false })))
      .then(() => null),
  );
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) device.cut();
  const write = async ({ page }: Device, note: string, field: string, text: string): Promise<void> => {
    await page.getByTestId('note-item').filter({ hasText: note }).click();
    await page.getByTestId(field).fill(text);
    await page.getByTestId(field).blur();
    await expect(page.getByTestId('save-state')).toContainText('Saved on this device');
  };
  await write(anna, 'merged', 'note-body', 'milk and bread');
  await write(ben, 'merged', 'note-title', 'merged by itself');
  await write(anna, 'asked', 'note-title', 'asked by Anna');
  await write(ben, 'asked', 'note-title', 'asked by Ben');
  for (const device of [anna, ben]) device.heal();
  await expectConverged(anna, ben);
  for (const [{ page }, people] of [
    [anna, 'You and Ben'],
    [ben, 'You and Anna'],
  ] as const) {
    await page.evaluate(() => void (location.hash = '#/conflicts'));
    await expect(page.getByTestId('conflict-item')).toHaveCount(1, { timeout: SETTLE_MS });
    const merges = page.getByTestId('merge');
    await expect(merges).toHaveCount(1);
    await expect(merges).toContainText('‘merged by itself’');
    await expect(merges).toContainText(people);
  }
  await anna.page.getByTestId('keep-version').first().click();
  await expect(anna.page.getByText('Nothing to decide. One edit was merged automatically this week.')).toBeVisible();
});

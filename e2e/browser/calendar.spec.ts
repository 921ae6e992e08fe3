/** Bookings: a room's place and time are one thing, and two people may take the same. */
import { expect, expectConverged, test } from '../fixtures/test.ts';

/** Today at an hour, as wall time. Swedes write dates as ISO does. */
function at(hour: number): string {
  return `${new Date().toLocaleDateString('sv-SE')}T${String(hour).padStart(2, '0')}:00`;
}

test('[E2ED1] two people book one room offline: both bookings are kept and the app shows them to both', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  await Promise.all([anna.settled(), ben.settled()]);
  for (const device of [anna, ben]) device.cut();
  const booking = { room: 'Room A', start: at(10), end: at(11) };
  await anna.db((db, event) => db.events.insert(event), { title: 'Planning', ...booking });
  await ben.db((db, event) => db.events.insert(event), { title: 'Interview', ...booking });
  anna.heal();
  ben.heal();
  await expectConverged(anna, ben);

  for (const device of [anna, ben]) {
    expect((await device.db((db) => db.events.find({ orderBy: 'title' }))).map(({ title }) => title)).toEqual([
      'Interview',
      'Planning',
    ]);
    await device.page
      .getByRole('link', { name: /calendar/i })
      .first()
      .click();
    await expect(device.page.getByTestId('double-booking').first()).toBeVisible();
  }
  await ben.db(async (db) => {
    const [mine] = await db.events.find({ where: { title: 'Interview' } });
    await db.events.update(mine!.id, { room: 'Room B' });
  });
  await expectConverged(anna, ben);
  await expect(anna.page.getByTestId('double-booking')).toHaveCount(0);
});

test('[E2ED4] a double booking that one keeps is kept on both, survives a reload, and is one again when a booking moves', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  const booking = { room: 'Room A', start: at(10), end: at(11) };
  const id = await anna.db((db, event) => db.events.insert(event), { title: 'Planning', ...booking });
  await ben.db((db, event) => db.events.insert(event), { title: 'Interview', ...booking });
  await expectConverged(anna, ben);
  expect(await anna.conflicts()).toMatchObject([{ kind: 'constraint', collection: 'events' }]);
  expect(await ben.conflicts()).toEqual(await anna.conflicts());
  await anna.page
    .getByRole('link', { name: /calendar/i })
    .first()
    .click();
  await anna.page.getByTestId('allow-double-booking').click();
  await expect(anna.page.getByTestId('double-booking')).toHaveCount(0);
  await expect.poll(() => ben.conflicts()).toEqual([]);
  await ben.reload();
  await expectConverged(anna, ben);
  expect(await ben.conflicts()).toEqual([]);
  await ben.db((db, [row, end]) => db.events.update(row!, { end: end! }), [id, at(12)]);
  await expect(anna.page.getByTestId('double-booking')).toHaveCount(1);
});

test('[E2ED2] one booking moved to two places is one conflict of room, start and end together', async ({ world }) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's laptop")];
  const event = { title: 'Planning', room: 'Room A', start: at(10), end: at(11) };
  const id = await anna.db((db, row) => db.events.insert(row), event);
  await expectConverged(anna, ben);
  for (const device of [anna, ben]) device.cut();
  await anna.db((db, [row, start, end]) => db.events.update(row!, { start: start!, end: end! }), [id, at(12), at(13)]);
  await ben.db((db, row) => db.events.update(row, { room: 'Room B' }), id);
  anna.heal();
  ben.heal();
  await expectConverged(anna, ben);

  const [conflict, ...others] = await anna.conflicts();
  expect(others).toEqual([]);
  expect(conflict!.fields!.toSorted()).toEqual(['end', 'room', 'start']);
  expect(new Set(conflict!.values)).toEqual(
    new Set([
      { room: 'Room A', start: at(12), end: at(13) },
      { room: 'Room B', start: at(10), end: at(11) },
    ]),
  );
  // What is shown until someone decides is one of the two, never a mixture that nobody booked.
  const shown = await ben.db((db, row) => db.events.get(row), id);
  expect(conflict!.values).toContainEqual({ room: shown!.room, start: shown!.start, end: shown!.end });
});

test('[E2ED5] the same bookings by rooms, as a month and as an agenda; a place in the column of a room books that room', async ({
  world,
}) => {
  const anna = await world.device('anna', "Anna's laptop");
  const ben = await world.device('ben', "Ben's phone", { width: 390, height: 844 });
  await anna.db(
    (db, [early, noon, late, end]) =>
      db.events
        .insertMany([
          { title: 'Planning', room: 'Room A', start: early!, end: noon! },
          { title: 'Interview', room: 'Room B', start: late!, end: end! },
        ])
        .then(() => null),
    [at(10), at(12), at(14), at(15)],
  );
  await expectConverged(anna, ben);
  const { page } = anna;
  const choose = (name: string) => page.getByTestId('calendar-layout').filter({ hasText: name }).click();
  await page
    .getByRole('link', { name: /calendar/i })
    .first()
    .click();
  await choose('Rooms');
  const column = (room: string) => page.getByRole('list', { name: room });
  await expect(column('Room A').getByTestId('event')).toHaveText(/Planning/);
  await expect(column('Room B').getByTestId('event')).toHaveText(/Interview/);
  await column('Room C').click({ position: { x: 20, y: 100 } });
  await expect(page.getByTestId('event-room')).toHaveValue('Room C');
  await page.getByTestId('event-title').fill('Visit');
  await page.getByTestId('event-start').fill(at(16));
  await page.getByTestId('event-end').fill(at(17));
  await page.getByTestId('event-save').click();
  await expect(column('Room C').getByTestId('event')).toHaveText(/Visit/);
  await expectConverged(anna, ben);

  await choose('Agenda');
  await expect(page.getByTestId('agenda').getByTestId('event')).toHaveText([/Planning/, /Interview/, /Visit/]);
  await page.getByTestId('event').last().click();
  await expect(page.getByTestId('event-title')).toHaveValue('Visit');
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('agenda')).toBeVisible();
  await page.goBack();
  await page.goBack();
  await page.goBack();
  await expect(column('Room C')).toBeVisible();

  await ben.page.evaluate(() => void (location.hash = '#/calendar/month'));
  await expect(ben.page.getByTestId('month').getByTestId('event')).toHaveCount(3);
  await ben.page.getByTestId('month').getByRole('link', { name: '3 booked' }).click();
  await expect(ben.page.getByTestId('month')).toHaveCount(0);
  await expect(ben.page.getByTestId('event')).toHaveCount(3);
});

/** What the chip in the top bar says when something waits for a person. */
import { fileURLToPath } from 'node:url';
import { createSyncServer, memory } from '@skerry/server';

import { Device } from '../fixtures/device.ts';
import { expect, SETTLE_MS, test } from '../fixtures/test.ts';

const DEMO = fileURLToPath(new URL('../../demo-app/dist', import.meta.url));
const NOTE = { id: 'note', title: 'Groceries', body: 'milk and bread', tags: ['lists'], pinned: false };

test('[E2ER1] a change that the server does not accept stands in the chip, is kept, and is decided from there', async () => {
  const server = await createSyncServer({
    storage: memory(),
    static: DEMO,
    authorize: (_principal, _action, _space, change) => change?.label !== 'forbidden',
  });
  const { url } = await server.listen(0);
  const anna = await Device.open({ serverPort: Number(new URL(url).port), user: 'anna', device: "Anna's laptop" });
  try {
    const chip = anna.page.getByTestId('sync-chip');
    await anna.db((db, note) => db.notes.insert(note), NOTE);
    await expect(chip).toContainText('Up to date', { timeout: SETTLE_MS });
    await anna.db((db) =>
      db
        .transaction((tx) => tx.notes.update('note', { title: 'Not mine to change' }), { label: 'forbidden' })
        .then(() => null),
    );
    await expect(chip).toContainText('1 change was not accepted', { timeout: SETTLE_MS });
    await chip.click();
    await anna.page.getByRole('link', { name: 'Decide what becomes of it' }).click();
    const item = anna.page.getByTestId('conflict-item');
    await expect(item).toContainText('You may not change this');
    await expect(item).toContainText('Not mine to change');
    await item.getByRole('button', { name: 'Discard it' }).click();
    await expect(chip).toContainText('Up to date');
    expect(await anna.db((db) => db.notes.get('note'))).toMatchObject(NOTE);
  } finally {
    await anna.dispose();
    await server.close();
  }
});

test('[E2ER2] that the browser may delete what is stored is said once changes have been nowhere but here for a day', async ({
  world,
}) => {
  const anna = await world.device('anna', "Anna's laptop");
  await anna.installed();
  await anna.settled();
  anna.cut();
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  const chip = anna.page.getByTestId('sync-chip');
  await expect(chip).toContainText('1 change saved here', { timeout: SETTLE_MS });
  await anna.page.clock.setFixedTime(Date.now() + 25 * 3_600_000);
  await anna.reload();
  const persisted = await anna.db((db) => db.storage$.value.persisted);
  await expect(chip).toContainText(persisted ? '1 change saved here' : 'This browser may delete your notes', {
    timeout: SETTLE_MS,
  });
});

/** What waits on a device is sent when no tab of it is open: Background Sync, with the demo's own service worker. */
import type { CDPSession } from '@playwright/test';

import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: ['start'], pinned: false };

/** The service worker of a device none of whose tabs is open. */
interface Background {
  /** As the browser does when it believes in a network. */
  dispatchSync(): Promise<void>;
  /** As the browser does when it needs the memory. */
  stop(): Promise<void>;
}

/** Closes the device's page for good, an empty one of no origin stays: the browser has to live on. */
async function closeTabs(device: Device): Promise<Background> {
  const tag = await device.db(async (db) => `skerry:${db.dexie.name}`);
  const { origin } = new URL(device.url);
  const empty = await device.context.newPage();
  const cdp: CDPSession = await device.context.newCDPSession(empty);
  const registered = new Promise<string>((resolve) => {
    cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const ours = registrations.find(({ scopeURL, isDeleted }) => scopeURL.startsWith(origin) && !isDeleted);
      if (ours) resolve(ours.registrationId);
    });
  });
  await cdp.send('ServiceWorker.enable');
  const registrationId = await registered;
  await device.page.close();
  device.page = empty;
  return {
    async dispatchSync() {
      await cdp.send('ServiceWorker.dispatchSyncEvent', { origin, registrationId, tag, lastChance: false });
    },
    async stop() {
      await cdp.send('ServiceWorker.stopAllWorkers');
    },
  };
}

/** The tags that the page has asked the browser for. */
function tagsOf(device: Device): Promise<readonly string[]> {
  return device.page.evaluate(async () => {
    const registration = (await navigator.serviceWorker.ready) as unknown as {
      readonly sync: { getTags(): Promise<string[]> };
    };
    return registration.sync.getTags();
  });
}

test('[E2EL1] an edit made offline reaches another device when all tabs are closed, and is there once', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.installed();
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await expectConverged(anna, ben);
  anna.cut();
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await anna.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)));
  await anna.pending(2);
  await expect.poll(() => tagsOf(anna)).toEqual([`skerry:${await anna.db((db) => db.dexie.name)}`]);

  const background = await closeTabs(anna);
  // The browser has tried already, because it does not know about the cut.
  await background.stop();
  anna.heal();
  expect(await ben.db((db, note) => db.notes.get(note), id)).toBeUndefined();
  await background.dispatchSync();
  await expect.poll(() => ben.db((db, note) => db.notes.get(note), id), { timeout: SETTLE_MS }).toMatchObject(NOTE);

  await anna.show(anna.page);
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.counters.get('hits'))).toMatchObject({ value: 1 });
  expect(await anna.conflicts()).toEqual([]);
});

test('[E2EL2] a service worker that is stopped in the middle of it doubles nothing, and the next one goes on', async ({
  world,
}) => {
  const WRITES = 40;
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.installed();
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await expectConverged(anna, ben);
  anna.cut();
  await anna.db(async (db, count) => {
    for (let i = 0; i < count; i++) await db.counters.update('hits', (hits) => void (hits.value += 1));
  }, WRITES);
  await anna.pending(WRITES);
  const background = await closeTabs(anna);
  await background.stop();
  anna.heal();
  // So slowly that it is stopped while the changes are on their way, and after some of them have arrived.
  anna.link.setRate(10_000);
  const arrived = (): Promise<number> => ben.db(async (db) => (await db.counters.get('hits'))!.value);
  for (const bytes of [400, 1_000]) {
    const reached = anna.link.carriedMore('up', bytes);
    await background.dispatchSync();
    await reached;
    await background.stop();
  }
  await background.dispatchSync();
  await expect.poll(arrived, { timeout: SETTLE_MS }).toBeGreaterThan(0);
  await background.stop();
  anna.link.setRate(Infinity);
  await background.dispatchSync();
  await expect.poll(arrived, { timeout: SETTLE_MS }).toBe(WRITES);
  await anna.show(anna.page);
  await expectConverged(anna, ben);
  expect(await anna.db((db) => db.counters.get('hits'))).toMatchObject({ value: WRITES });
});

test('[E2EL3] a service worker that is woken beside an open tab waits for it and disturbs nothing', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.installed();
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await expectConverged(anna, ben);
  const tab = await anna.openTab();
  const background = await closeTabs(anna);
  anna.cut();
  for (let i = 0; i < 10; i++) {
    await anna.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)), undefined, tab);
    if (i % 3 === 0) await background.dispatchSync();
  }
  anna.heal();
  await background.dispatchSync();
  anna.page = tab;
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.counters.get('hits'))).toMatchObject({ value: 10 });
});

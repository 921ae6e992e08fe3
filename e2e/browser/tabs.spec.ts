/** Several tabs of one device, in every way a browser treats them: one syncs, all write, and nothing is lost or doubled. */
import type { Page } from '@playwright/test';

import type { DemoDb } from '../fixtures/demo.ts';
import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: [], pinned: false };

/** Collects in each tab from its beginning whether its own context leads. */
declare global {
  interface Window {
    leads: boolean[];
  }
}

/** What this tab hears about leading from now on; the tab that was opened first leads. */
async function watchLeader(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.leads = [];
    window.skerry.events$.subscribe((event) => event.type === 'leader' && window.leads.push(event.here));
  });
}

const leadsOf = (page: Page): Promise<boolean[]> => page.evaluate(() => window.leads);

function insert(device: Device, id: string, page?: Page): Promise<string> {
  return device.db((db, note) => db.notes.insert(note), { ...NOTE, id }, page);
}

/** Waits until `device` shows the notes. */
async function shows(device: Device, ids: readonly string[], page?: Page): Promise<void> {
  const missing = (): Promise<readonly string[]> => device.db(missingOf, ids, page);
  await expect.poll(missing, { timeout: SETTLE_MS }).toEqual([]);
}

async function missingOf(db: DemoDb, ids: readonly string[]): Promise<readonly string[]> {
  const there = new Set((await db.notes.find()).map(({ id }) => id));
  return ids.filter((id) => !there.has(id));
}

/** Waits until the server has confirmed what this tab knows of. */
function confirmed(device: Device, page: Page): Promise<void> {
  return device.db((db, timeoutMs) => db.sync.settled({ timeoutMs }), SETTLE_MS, page);
}

test('[E2ET1] the syncing tab crashes: another one syncs, and the counter is exact', async ({ world }) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await anna.settled();
  const second = await anna.openTab();
  await watchLeader(second);
  const hit = (page?: Page): Promise<void> =>
    anna.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)), undefined, page);
  await hit();
  const crashing = await anna.context.newCDPSession(anna.page);
  void crashing.send('Page.crash').catch(() => undefined);
  await hit(second);
  await insert(anna, 'after the crash', second);
  await shows(ben, ['after the crash']);
  expect(await leadsOf(second)).toEqual([true]);
  anna.page = second;
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.counters.get('hits'))).toMatchObject({ value: 2 });
});

test('[E2ET2] the syncing tab is frozen: another one syncs; thawed, it steps back, and its page goes on writing', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.settled();
  const second = await anna.openTab();
  await Promise.all([watchLeader(anna.page), watchLeader(second)]);
  const frozen = await anna.freeze(anna.page);
  await insert(anna, 'while frozen', second);
  await shows(ben, ['while frozen']);
  expect(await leadsOf(second)).toEqual([true]);
  await insert(ben, 'from ben');
  frozen.thaw();
  await expect.poll(() => leadsOf(anna.page)).toEqual([false]);
  await insert(anna, 'after thawing');
  await shows(ben, ['after thawing']);
  await shows(anna, ['from ben']);
  expect(await leadsOf(second)).toEqual([true]);
  await expectConverged(anna, ben);
  expect(await anna.state(second)).toEqual(await anna.state());
});

test('[E2ET3] what resolved before its tab was closed is sent by the tab that is left, and by the next one', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.settled();
  const second = await anna.openTab();
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    const page = await anna.openTab();
    ids.push(await insert(anna, `typed-${round}`, page));
    await page.close();
  }
  await shows(ben, ids);
  ids.push(await insert(anna, 'in the syncing tab'));
  await anna.page.close();
  await shows(ben, ids);
  ids.push(await insert(anna, 'in the last tab', second));
  // A browser without a page ends: the next one is opened on the way.
  const next = await anna.context.newPage();
  await second.close();
  await anna.show(next);
  anna.page = next;
  await shows(anna, ids);
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.notes.count())).toBe(ids.length);
});

test('[E2ET4] eight tabs at once: one leads at any time, whichever are closed, and every write has its effect once', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await anna.settled();
  const pages = await Promise.all(Array.from({ length: 7 }, () => anna.openTab()));
  await Promise.all(pages.map(watchLeader));
  const hit = (page: Page): Promise<void> =>
    anna.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)), undefined, page);
  await Promise.all(pages.map(hit));
  await anna.page.close();
  for (const page of pages.slice(0, 5)) {
    await hit(page);
    await page.close();
  }
  const [last, other] = pages.slice(5) as [Page, Page];
  anna.page = last;
  await hit(other);
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.counters.get('hits'))).toMatchObject({ value: 7 + 5 + 1 });
  const leads = await Promise.all([last, other].map(leadsOf));
  expect(leads.flat()).toEqual([true]);
});

test('[E2ET5] a page that comes back from the back-forward cache shows what others wrote, and writes', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.settled();
  const left = await anna.openTab();
  await left.evaluate(() => addEventListener('pageshow', (event) => (window.leads = [event.persisted])));
  await left.goto(new URL('/manifest.webmanifest', anna.url).href);
  await insert(anna, 'of the other tab');
  await insert(ben, 'of ben');
  await shows(anna, ['of the other tab', 'of ben']);
  await left.evaluate(() => history.back());
  await anna.ready(left);
  await shows(anna, ['of the other tab', 'of ben'], left);
  await expect(left.getByText('A word')).toHaveCount(2);
  await insert(anna, 'after coming back', left);
  await shows(ben, ['after coming back']);
  await expectConverged(anna, ben);
  expect(await left.evaluate(() => window.leads)).toEqual([true]);
  expect(anna.console.filter((line) => line.startsWith('uncaught'))).toEqual([]);
});

test('[E2ET6] without Web Locks one tab syncs by a lease, and another one takes over', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  anna.host = 'insecure.test';
  await anna.show(anna.page);
  await anna.settled();
  expect(await anna.page.evaluate(() => navigator.locks)).toBeUndefined();
  const [second, third] = [await anna.openTab(), await anna.openTab()];
  await Promise.all([second, third].map(watchLeader));
  await insert(anna, 'of a follower', second);
  await confirmed(anna, second);
  await anna.page.close();
  await insert(anna, 'after its leader had gone', third);
  await confirmed(anna, third);
  expect((await Promise.all([second, third].map(leadsOf))).flat()).toEqual([true]);
  anna.page = second;
  await anna.pending(0);
});

test('[E2ET7] without workers the pages sync by themselves, one at a time', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  await anna.context.addInitScript(() => Reflect.deleteProperty(window, 'Worker'));
  await anna.reload();
  await anna.settled();
  const second = await anna.openTab();
  await watchLeader(second);
  await insert(anna, 'of a follower', second);
  await confirmed(anna, second);
  await anna.page.close();
  await insert(anna, 'of the next one', second);
  await confirmed(anna, second);
  expect(await leadsOf(second)).toEqual([true]);
});

test('[E2ET8] a worker that ends without a word is missed, told and replaced', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  await anna.context.addInitScript(() => {
    const Native = window.Worker;
    const all: Worker[] = [];
    Object.assign(window, { workers: all });
    window.Worker = class extends Native {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        all.push(this);
      }
    };
  });
  await anna.reload();
  await anna.settled();
  await anna.page.evaluate(() => {
    const { skerry, workers } = window as unknown as { skerry: DemoDb; workers: Worker[] };
    const told: string[] = [];
    Object.assign(window, { told });
    skerry.events$.subscribe((event) => event.type === 'connection' && told.push(event.connection));
    workers.at(-1)!.terminate();
  });
  await insert(anna, 'nobody hears of it');
  await anna.settled();
  expect(await anna.page.evaluate(() => (window as unknown as { told: string[] }).told)).toContain('stalled');
  await anna.pending(0);
});

test('[E2ET9] a page that is told that it will be frozen gives way at once and holds up no upgrade', async ({
  world,
}) => {
  const anna = await world.device('anna', "Anna's laptop");
  await anna.settled();
  const second = await anna.openTab();
  await Promise.all([watchLeader(anna.page), watchLeader(second)]);
  await anna.page.evaluate(() => document.dispatchEvent(new Event('freeze')));
  await expect.poll(() => leadsOf(second)).toEqual([true]);
  await insert(anna, 'written meanwhile', second);
  await anna.page.evaluate(() => document.dispatchEvent(new Event('resume')));
  await shows(anna, ['written meanwhile']);
  await expect(anna.page.getByText('A word')).toHaveCount(1);
  await insert(anna, 'after going on');
  await second.close();
  await expect.poll(() => leadsOf(anna.page)).toEqual([false, true]);
  await anna.settled();
  await anna.pending(0);
});

test('[E2ET10] a device that sleeps finds its connection dead when it wakes, and catches up by itself', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.settled();
  const asleep = await anna.freeze(anna.page);
  await insert(ben, 'while anna slept');
  await ben.settled();
  // What was sent to her waits in the buffers of a connection that nobody ends properly.
  anna.link.setMode('black-hole');
  asleep.thaw();
  await insert(anna, 'as soon as she woke');
  anna.link.kill();
  anna.heal();
  await shows(anna, ['while anna slept']);
  await shows(ben, ['as soon as she woke']);
  await expectConverged(anna, ben);
});

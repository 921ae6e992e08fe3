/** Members of spaces: real browsers, the real command with signed tokens, and rights that end while somebody works. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from '@playwright/test';

import { launchWithoutProfile } from '../fixtures/browser-process.ts';
import { startServer, type SyncServerProcess } from '../fixtures/server.ts';
import { buildSite, type Site } from '../fixtures/site.ts';
import { expect, test } from '../fixtures/test.ts';

const SECRET = 'of the tests, thirty-two characters and more';
const [ISSUER, AUDIENCE] = ['https://issuer.example', 'https://sync.example'];

let site: Site;
let server: SyncServerProcess;
let browser: Browser;
let folder: string;

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skerry-e2e-secret-'));
  writeFileSync(join(folder, 'secret'), SECRET);
  site = await buildSite(['e2e/pages/spaces-probe.ts']);
  const flags = { 'jwt-secret-file': join(folder, 'secret'), 'jwt-issuer': ISSUER, 'jwt-audience': AUDIENCE };
  server = await startServer({ static: site.folder, flags: { ...flags, 'jwt-leeway': '0' } });
  browser = await launchWithoutProfile();
});

test.afterAll(async () => {
  await browser.close();
  await server.dispose();
  site.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function tokenOf(user: string, seconds = 600): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + seconds;
  const signed = `${part({ alg: 'HS256' })}.${part({ sub: user, name: user, iss: ISSUER, aud: AUDIENCE, exp })}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

interface Shown {
  readonly token?: string;
  readonly lost?: 'seal' | 'purge';
}

/** A browser of its own for each user. */
async function show(user: string, space: string, { token = tokenOf(user), lost = 'seal' }: Shown = {}): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  const query = new URLSearchParams({ user, space, token, lost, db: `${user} in ${space}` });
  await page.goto(`http://127.0.0.1:${server.port}/spaces-probe.html?${query}`);
  await page.waitForFunction(() => window.spacesProbe !== undefined);
  return page;
}

const settled = (page: Page): Promise<void> =>
  page.evaluate(() => window.spacesProbe.sync.settled({ timeoutMs: 30_000 }));
const titles = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => (await window.spacesProbe.notes.find({ orderBy: 'title' })).map(({ title }) => title));
const statusOf = (page: Page): Promise<readonly (string | undefined)[]> =>
  page.evaluate(() => {
    const { connection, reason } = window.spacesProbe.status$.value;
    return [connection, reason?.code];
  });

/** A space of Anna's in which Ben is a writer. */
async function team(): Promise<{ readonly space: string; readonly anna: Page }> {
  const home = await show('anna', '~anna');
  const space = await home.evaluate(async () => (await window.spacesProbe.spaces.create({ name: 'Team' })).id);
  await home.context().close();
  return { space, anna: await show('anna', space) };
}

async function invite(anna: Page, user: string, role: 'reader' | 'writer'): Promise<void> {
  const code = await anna.evaluate(async (as) => (await window.spacesProbe.spaces.invite({ role: as })).code, role);
  const page = await show(user, `~${user}`);
  await page.evaluate((text) => window.spacesProbe.spaces.join(text), code);
  await page.context().close();
}

test('[E2EMB1] a space is made, somebody is invited, both write; a reader’s write comes back, and a stranger sees nothing', async () => {
  const { space, anna } = await team();
  await invite(anna, 'ben', 'writer');
  await invite(anna, 'cleo', 'reader');
  const [ben, cleo, eve] = [await show('ben', space), await show('cleo', space), await show('eve', space)];
  await anna.evaluate(() => window.spacesProbe.notes.insert({ title: 'by anna' }));
  await ben.evaluate(() => window.spacesProbe.notes.insert({ title: 'by ben' }));
  await cleo.evaluate(() => window.spacesProbe.notes.insert({ title: 'by cleo' }));
  for (const page of [anna, ben]) await expect.poll(() => titles(page)).toEqual(['by anna', 'by ben']);
  await expect.poll(() => titles(cleo)).toEqual(['by anna', 'by ben']);
  const rejected = (): Promise<unknown> =>
    cleo.evaluate(() =>
      window.spacesProbe.conflicts$.value.map(({ kind, ...rest }) => [kind, 'error' in rest && rest.error.code]),
    );
  await expect.poll(rejected).toEqual([['rejected', 'FORBIDDEN']]);
  await expect.poll(() => statusOf(eve)).toEqual(['stalled', 'FORBIDDEN']);
  expect(await titles(eve)).toEqual([]);
  const members = await ben.evaluate(async () =>
    (await window.spacesProbe.spaces.members()).map(({ user, role }) => [user.name, role]),
  );
  expect(members.toSorted()).toEqual([
    ['anna', 'owner'],
    ['ben', 'writer'],
    ['cleo', 'reader'],
  ]);
});

test('[E2EMB2] who is removed is told while they work; the rows are sealed, what they wrote is kept, and sent when they are back', async () => {
  const { space, anna } = await team();
  await invite(anna, 'ben', 'writer');
  const ben = await show('ben', space);
  await anna.evaluate(() => window.spacesProbe.notes.insert({ title: 'by anna' }));
  await expect.poll(() => titles(ben)).toEqual(['by anna']);
  await ben.context().setOffline(true);
  await ben.evaluate(() => window.spacesProbe.notes.insert({ title: 'never sent' }));
  await anna.evaluate(() => window.spacesProbe.spaces.remove('ben'));
  await ben.context().setOffline(false);
  await expect.poll(() => statusOf(ben)).toEqual(['stalled', 'ACCESS_REVOKED']);
  await expect.poll(() => titles(ben).catch((error: unknown) => String(error))).toContain('sealed');
  expect(await ben.evaluate(async () => (await window.spacesProbe.debug.export()).text())).toContain('never sent');
  await settled(anna);
  expect(await titles(anna)).toEqual(['by anna']);
  await invite(anna, 'ben', 'writer');
  await ben.evaluate(() => window.spacesProbe.sync.now());
  await expect.poll(() => titles(anna)).toEqual(['by anna', 'never sent']);
  await expect.poll(() => titles(ben)).toEqual(['by anna', 'never sent']);
});

test('[E2EMB3] a purged device holds nothing of the space, on its disk neither, and takes it anew when it is let in again', async () => {
  const { space, anna } = await team();
  await invite(anna, 'ben', 'writer');
  const ben = await show('ben', space, { lost: 'purge' });
  await anna.evaluate(() => window.spacesProbe.notes.insert({ title: 'a canary' }));
  await expect.poll(() => titles(ben)).toEqual(['a canary']);
  await anna.evaluate(() => window.spacesProbe.spaces.remove('ben'));
  await expect.poll(() => titles(ben)).toEqual([]);
  const stored = await ben.evaluate(async () => {
    const tables = window.spacesProbe.dexie.tables.map((table) => table.toArray());
    return JSON.stringify(await Promise.all(tables));
  });
  expect(stored).not.toContain('canary');
  await invite(anna, 'ben', 'reader');
  await ben.evaluate(() => window.spacesProbe.sync.now());
  await expect.poll(() => titles(ben)).toEqual(['a canary']);
});

test('[E2EMB4] a token that ends while somebody works is asked for anew, and nobody notices', async () => {
  const page = await show('dora', '~dora', { token: tokenOf('dora', 10) });
  const whys = (): Promise<string> => page.evaluate(() => window.tokens.whys.join(' '));
  await expect.poll(whys).toBe('start');
  await page.evaluate((next) => (window.tokens.next = next), tokenOf('dora'));
  await page.evaluate(() => window.spacesProbe.notes.insert({ title: 'before' }));
  await settled(page);
  // A machine that is very busy may come with it too late: then it is denied.
  await expect.poll(whys, { timeout: 30_000 }).toMatch(/^start (?:expired|denied)$/);
  await page.evaluate(() => window.spacesProbe.notes.insert({ title: 'afterwards' }));
  await settled(page);
  expect(await statusOf(page)).toEqual(['online', undefined]);
});

test('[E2EMB5] a device that its user sends away is out, and the other goes on', async () => {
  const [phone, laptop] = [await show('fay', '~fay'), await show('fay', '~fay')];
  await settled(phone);
  await settled(laptop);
  const devices = await laptop.evaluate(async () =>
    (await window.spacesProbe.spaces.devices()).map(({ id, here }) => [id, here]),
  );
  expect(devices).toHaveLength(2);
  const other = devices.find(([, here]) => here === false)![0] as string;
  await laptop.evaluate((id) => window.spacesProbe.spaces.revokeDevice(id), other);
  await expect.poll(() => statusOf(phone)).toEqual(['stalled', 'ACCESS_REVOKED']);
  await laptop.evaluate(() => window.spacesProbe.notes.insert({ title: 'goes on' }));
  await settled(laptop);
});

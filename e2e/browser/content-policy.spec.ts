/** The demo under the strictest content policy that an app can send. */
import { serveUnderPolicy, STRICT_POLICY } from '../fixtures/content-policy.ts';
import { Device } from '../fixtures/device.ts';
import { expect, test } from '../fixtures/test.ts';

test('[E2EM1] the demo works under a strict content policy with Trusted Types, and violates nothing', async ({
  world,
}) => {
  const strict = await serveUnderPolicy(world.server.port, STRICT_POLICY);
  const anna = await Device.open({ serverPort: strict.port, user: 'anna', device: "Anna's laptop" });
  const ben = await world.device('ben', "Ben's phone");
  try {
    await anna.installed();
    await anna.page.getByRole('button', { name: 'New', exact: true }).click();
    await anna.page.getByRole('textbox', { name: 'Title' }).fill('Under a strict policy');
    const titles = (): Promise<readonly string[]> =>
      ben.db(async (db) => (await db.notes.find()).map(({ title }) => title));
    await expect.poll(titles).toEqual(['Under a strict policy']);
    await anna.reload();
    await anna.page.getByRole('link', { name: /calendar/i }).click();
    expect(anna.page.workers()).toHaveLength(1);
    expect(anna.console.filter((line) => /^(?:error|warning|uncaught):/.test(line))).toEqual([]);
  } finally {
    await anna.dispose();
    await strict.close();
  }
});

/** Each scenario on real databases: its claims hold, and on a database that keeps the last write they do not. */
import 'fake-indexeddb/auto';
import { collection, lww, type Collections } from '@skerry/sdk';
import { createTestNetwork } from '@skerry/sdk/testing';
import { afterEach, expect, test } from 'vitest';

import { collections, type CalendarEvent, type DemoDb, type Note } from '../../data/schema.ts';
import { SCENARIOS } from './index.ts';
import type { Claim, Scenario, Stage, StageDevice } from './scenario.ts';

type Network = ReturnType<typeof createTestNetwork<typeof collections>>;
const networks: Network[] = [];
afterEach(async () => void (await Promise.all(networks.splice(0).map((network) => network.close()))));

/** What most databases do. */
const LAST_WRITE_WINS = {
  ...collections,
  notes: collection<Note>({
    fields: { title: lww(), body: lww(), tags: lww(), pinned: lww(), editedAt: lww() },
    onDeleteVsEdit: 'delete-wins',
  }),
  events: collection<CalendarEvent>({
    fields: { title: lww(), room: lww(), start: lww(), end: lww(), bookedBy: lww() },
  }),
} satisfies Collections;

interface Outcome {
  readonly text: string;
  readonly holds: boolean;
  readonly found: string;
}

interface Variation {
  readonly schema?: typeof collections;
  /** Steps that are not done. */
  readonly without?: (text: string) => boolean;
  /** Devices lose what they have not sent when they crash. */
  readonly isForgetful?: boolean;
}

async function play(
  scenario: Scenario,
  { schema = collections, without = () => false, isForgetful = false }: Variation = {},
) {
  const network = createTestNetwork({ collections: schema, seed: 11 });
  networks.push(network);
  const devices = new Map<string, Awaited<ReturnType<Network['device']>>>();
  for (const id of scenario.cast)
    devices.set(id, await network.device(id, { skewMs: (scenario.clocks?.[id] ?? 0) * 60_000 }));
  await network.settled();
  const device = (id: string): StageDevice => ({
    id: id as StageDevice['id'],
    db: devices.get(id)!.db as unknown as DemoDb,
  });
  const named = (ids: readonly string[]) => ids.map((id) => devices.get(id)!);
  const stage: Stage = {
    get devices() {
      return scenario.cast.map(device);
    },
    device,
    cut: async (...ids) => network.partition(...named(ids)),
    connect: async (...ids) => network.heal(...named(ids)),
    settled: () => network.settled(),
    async crash(id) {
      if (isForgetful) devices.set(id, await network.device(`${id}-anew`));
      else await devices.get(id)!.restart();
    },
    nowMs: () => network.clock.nowMs,
  };
  const outcomes: Outcome[] = [];
  const look = async ({ text, check }: Claim): Promise<void> => void outcomes.push({ text, ...(await check(stage)) });
  for (const step of scenario.steps) {
    if (!without(step.text)) await step.run(stage);
    if (step.claim) await look(step.claim);
    // Steps are some time apart, as for people.
    await network.clock.advance(50);
  }
  for (const claim of scenario.claims) await look(claim);
  return outcomes;
}

test.each(SCENARIOS)('[DPLAY1] $id: every claim holds', async (scenario) => {
  const outcomes = await play(scenario);
  expect(outcomes.filter(({ holds }) => !holds)).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(0);
});

test.each(SCENARIOS.filter(({ id }) => !['wrong-clock', 'crash-before-sync'].includes(id)))(
  '[DPLAY2] $id: a database that keeps the last write does not stand up to it',
  async (scenario) => {
    const outcomes = await play(scenario, { schema: LAST_WRITE_WINS as unknown as typeof collections });
    expect(outcomes.some(({ holds }) => !holds)).toBe(true);
  },
);

test('[DPLAY2] crash-before-sync: a device that forgets what it had not sent does not stand up to it', async () => {
  const outcomes = await play(
    SCENARIOS.find(({ id }) => id === 'crash-before-sync')!,
    { isForgetful: true },
  );
  expect(outcomes.map(({ holds }) => holds)).toEqual([false, false]);
});

test('[DPLAY2] wrong-clock: before the devices met, what is stamped by the wrong clock is in the future', async () => {
  const scenario = SCENARIOS.find(({ id }) => id === 'wrong-clock')!;
  const network = createTestNetwork({ collections, seed: 12 });
  networks.push(network);
  const bruno = await network.device('bruno', { skewMs: 180 * 60_000 });
  network.partition(bruno);
  await bruno.db.notes.insert({ id: 'playground-note', title: 'Leaving at noon', body: '', tags: [], pinned: false });
  const devices = [{ id: 'bruno', db: bruno.db }] as const;
  const stage = { devices, nowMs: () => network.clock.nowMs } as unknown as Stage;
  expect(await scenario.claims.at(-1)!.check(stage)).toEqual({ holds: false, found: '180 min ahead' });
});

test.each(SCENARIOS)('[DPLAY2] $id: each claim fails when somebody’s step is left out', async (scenario) => {
  const failed = new Set<string>();
  for (const { text } of scenario.steps.slice(1)) {
    const outcomes = await play(scenario, { without: (step) => step === text }).catch(() => []);
    for (const outcome of outcomes) if (!outcome.holds) failed.add(outcome.text);
  }
  const claims = [...scenario.steps.flatMap(({ claim }) => claim ?? []), ...scenario.claims].map(({ text }) => text);
  // That nobody is asked, and what no clock can do, are shown to fail above.
  const others = claims.filter((text) => !/^Nobody is asked|^Nothing is dated|^No booking/.test(text));
  expect(others.filter((text) => !failed.has(text))).toEqual([]);
});

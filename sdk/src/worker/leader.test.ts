import { expect, test } from 'vitest';

import type { Lease } from '../store/lease.ts';
import { platformClock } from './clock.ts';
import { TestClock } from './engine.fixture.ts';
import { lockName, seekLeadership, type Leadership } from './leader.ts';
import { TestLocks } from './locks.fixture.ts';

/** Node has Web Locks since 24.5; the browsers' own are used by the e2e tests. */
const locks = (globalThis.navigator as Navigator | undefined)?.locks;
const testWithLocks = test.skipIf(locks === undefined);

function seek(name: string, log: string[], who: string): Leadership {
  return seekLeadership({
    name,
    clock: platformClock,
    locks,
    lease: undefined,
    challenge: null,
    onLead: () => void log.push(`${who} leads`),
    onLost: () => void log.push(`${who} lost it`),
  });
}

testWithLocks('[LD1] one leads; when it resigns, the next in line takes over', async () => {
  const log: string[] = [];
  const [a, b, c] = ['a', 'b', 'c'].map((who) => seek('ld1', log, who));
  await expect.poll(() => log).toEqual(['a leads']);
  b!.resign();
  a!.resign();
  await expect.poll(() => log).toEqual(['a leads', 'c leads']);
  c!.resign();
});

testWithLocks('[LD2] who resigns before it is asked never leads', async () => {
  const log: string[] = [];
  seek('ld2', log, 'a').resign();
  const b = seek('ld2', log, 'b');
  await expect.poll(() => log).toEqual(['b leads']);
  b.resign();
});

testWithLocks('[LD3] a leader whose lock is taken away steps back, queues up and leads again', async () => {
  const log: string[] = [];
  const a = seek('ld3', log, 'a');
  await expect.poll(() => log).toEqual(['a leads']);
  let giveBack: () => void = () => undefined;
  const stolen = new Promise<void>((resolve) => (giveBack = resolve));
  void locks!.request(lockName('ld3'), { steal: true }, () => stolen);
  await expect.poll(() => log).toEqual(['a leads', 'a lost it']);
  giveBack();
  await expect.poll(() => log).toEqual(['a leads', 'a lost it', 'a leads']);
  a.resign();
});

testWithLocks('[LD4] databases of other names have leaders of their own', async () => {
  const log: string[] = [];
  const all = [seek('ld4-x', log, 'x'), seek('ld4-y', log, 'y')];
  await expect.poll(() => [...log].sort()).toEqual(['x leads', 'y leads']);
  for (const one of all) one.resign();
});

/** Tabs of one device that hear one another, with a clock turned by hand. A frozen one hears and does nothing. */
class Tabs {
  readonly clock = new TestClock();
  readonly locks = new TestLocks();
  readonly log: string[] = [];
  readonly tabs = new Map<string, Tab>();
  /** The lease of the database: whose it is, and how often it was renewed. */
  private holder = { name: '', beat: 0 };

  open(who: string, by: 'locks' | 'lease' = 'locks'): void {
    const tab: Tab = { isLeading: false, isFrozen: false, thaw: [], leadership: null };
    this.tabs.set(who, tab);
    tab.leadership = seekLeadership({
      name: 'tabs',
      clock: { nowMs: () => this.clock.nowMs(), after: (ms, fn) => this.clock.after(ms, () => this.run(tab, fn)) },
      locks: by === 'locks' ? this.locks : undefined,
      lease: by === 'lease' ? this.leaseOf(who) : undefined,
      challenge: () => this.ask(who),
      onLead: () => this.run(tab, () => void ((tab.isLeading = true), this.log.push(`${who} leads`))),
      onLost: () => this.run(tab, () => void ((tab.isLeading = false), this.log.push(`${who} lost it`))),
    });
  }

  freeze(who: string): void {
    this.tabs.get(who)!.isFrozen = true;
  }

  thaw(who: string): void {
    const tab = this.tabs.get(who)!;
    tab.isFrozen = false;
    for (const fn of tab.thaw.splice(0)) fn();
  }

  get leaders(): readonly string[] {
    return [...this.tabs].filter(([, tab]) => tab.isLeading && !tab.isFrozen).map(([who]) => who);
  }

  private run(tab: Tab, fn: () => void): void {
    if (tab.isFrozen) tab.thaw.push(fn);
    else fn();
  }

  /** Messages reach every other tab; whoever leads answers everybody. */
  private ask(from: string): void {
    for (const [who, tab] of this.tabs) {
      if (who === from) continue;
      this.run(tab, () => {
        if (!tab.isLeading) return;
        for (const [other, { leadership }] of this.tabs) if (other !== who) leadership?.heard();
      });
    }
  }

  private leaseOf(who: string): Lease {
    return {
      renew: async (isOrphaned) => {
        const isMine = this.holder.name === who || this.holder.name === '' || isOrphaned;
        if (isMine) this.holder = { name: who, beat: this.holder.beat + 1 };
        return { isMine, says: `${this.holder.name} ${this.holder.beat}` };
      },
      release: async () => {
        if (this.holder.name === who) this.holder = { name: '', beat: 0 };
      },
    };
  }
}

interface Tab {
  isLeading: boolean;
  isFrozen: boolean;
  readonly thaw: (() => void)[];
  leadership: Leadership | null;
}

for (const by of ['locks', 'lease'] as const) {
  test(`[LD6] a frozen leader is replaced within 12 s, by one tab; thawed, it steps back (${by})`, async () => {
    const tabs = new Tabs();
    for (const who of ['a', 'b', 'c', 'd']) tabs.open(who, by);
    await tabs.clock.advance(30_000);
    expect(tabs.log).toEqual(['a leads']);
    tabs.freeze('a');
    await tabs.clock.advance(12_000);
    expect(tabs.leaders).toHaveLength(1);
    await tabs.clock.advance(120_000);
    expect(tabs.log).toHaveLength(2);
    tabs.thaw('a');
    await tabs.clock.advance(4_000);
    expect(tabs.log).toEqual(['a leads', tabs.log[1], 'a lost it']);
    expect(tabs.leaders).toHaveLength(1);
  });

  test(`[LD7] a leader whose timers are held back for a minute answers and stays (${by})`, async () => {
    const tabs = new Tabs();
    tabs.open('a', by);
    await tabs.clock.advance(1_000);
    // Everything but messages is late: what the leader does by itself comes once a minute.
    const { after } = tabs.clock;
    tabs.clock.after = (ms, fn) => after.call(tabs.clock, Math.max(ms, 60_000), fn);
    await tabs.clock.advance(60_000);
    tabs.clock.after = after;
    for (const who of ['b', 'c']) tabs.open(who, by);
    await tabs.clock.advance(300_000);
    expect(tabs.log).toEqual(['a leads']);
    expect(tabs.locks.tries).toBe(0);
  });

  test(`[LD8] tabs that were all frozen for an hour go on with the leader they had (${by})`, async () => {
    const tabs = new Tabs();
    for (const who of ['a', 'b', 'c']) tabs.open(who, by);
    await tabs.clock.advance(10_000);
    for (const who of ['a', 'b', 'c']) tabs.freeze(who);
    await tabs.clock.advance(3_600_000);
    for (const who of ['b', 'c', 'a']) tabs.thaw(who);
    await tabs.clock.advance(60_000);
    expect(tabs.log).toEqual(['a leads']);
  });
}

test('[LD6] one tab steals once a minute at most, also when nobody ever hears anybody', async () => {
  const tabs = new Tabs();
  for (const who of ['a', 'b']) tabs.open(who);
  await tabs.clock.advance(5_000);
  for (const tab of tabs.tabs.values()) tab.leadership!.heard = () => undefined;
  tabs.freeze('a');
  await tabs.clock.advance(12_000);
  expect(tabs.locks.steals).toBe(1);
  tabs.thaw('a');
  await tabs.clock.advance(12_000);
  expect(tabs.locks.steals).toBe(2);
  await tabs.clock.advance(30_000);
  expect(tabs.locks.steals).toBe(2);
  await tabs.clock.advance(600_000);
  expect(tabs.locks.steals).toBeLessThanOrEqual(2 + 2 * 10);
});

test('[LD9] a leader that finds a later one in the database steps back and queues up', async () => {
  const tabs = new Tabs();
  for (const who of ['a', 'b']) tabs.open(who);
  await tabs.clock.advance(1_000);
  tabs.tabs.get('a')!.leadership!.stepBack();
  await tabs.clock.advance(1_000);
  expect(tabs.log).toEqual(['a leads', 'a lost it', 'b leads']);
});

test('[LD5] without Web Locks the lease decides: one leads, and when it resigns the next one does', async () => {
  const tabs = new Tabs();
  for (const who of ['a', 'b', 'c']) tabs.open(who, 'lease');
  await tabs.clock.advance(20_000);
  expect(tabs.log).toEqual(['a leads']);
  tabs.tabs.get('a')!.leadership!.resign();
  await tabs.clock.advance(4_000);
  expect(tabs.log).toHaveLength(2);
  expect(tabs.log[1]).toMatch(/^[bc] leads$/);
});

import { expect, test } from 'vitest';

import { lockName, seekLeadership, type Leadership } from './leader.ts';

/** Node has Web Locks since 24.5; the browsers' own are used by the e2e tests. */
const locks = (globalThis.navigator as Navigator | undefined)?.locks;
const testWithLocks = test.skipIf(locks === undefined);

function seek(name: string, log: string[], who: string): Leadership {
  return seekLeadership({
    name,
    locks,
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

test('[LD5] without Web Locks a context syncs by itself', () => {
  const log: string[] = [];
  seekLeadership({ name: 'ld5', locks: undefined, onLead: () => void log.push('leads'), onLost: () => undefined });
  expect(log).toEqual(['leads']);
});

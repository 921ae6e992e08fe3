import { expect, test } from 'vitest';

import { createLifetime } from './lifetime.ts';
import { createRefresh } from './refresh.ts';

const noError = (error: unknown): never => {
  throw error;
};

test('[OBS2] a burst of changes costs a few reads, and the last read began after the last change', async () => {
  let stored = 0;
  let shown = 0;
  let reads = 0;
  const read = async (): Promise<void> => {
    reads += 1;
    const seen = stored;
    await Promise.resolve();
    shown = seen;
  };
  const refresh = createRefresh({ read, lifetime: createLifetime(), onError: noError });
  for (let i = 0; i < 1_000; i++) {
    stored += 1;
    refresh.request();
    await Promise.resolve();
  }
  await refresh.now();
  expect(shown).toBe(1_000);
  expect(reads).toBeLessThan(10);
});

test('[OBS3] now() waits for a read that began after it was called', async () => {
  const begun: (() => void)[] = [];
  const read = (): Promise<void> => new Promise((resolve) => begun.push(resolve));
  const refresh = createRefresh({ read, lifetime: createLifetime(), onError: noError });
  const first = refresh.now();
  let isSecondDone = false;
  const second = refresh.now().then(() => (isSecondDone = true));
  begun[0]!();
  await first;
  await expect.poll(() => begun.length).toBe(2);
  expect(isSecondDone).toBe(false);
  begun[1]!();
  await second;
});

test('[OBS4] a read that fails is reported, and the next change reads again', async () => {
  const errors: unknown[] = [];
  let reads = 0;
  const read = async (): Promise<void> => {
    reads += 1;
    if (reads === 1) throw new Error('disk');
  };
  const refresh = createRefresh({ read, lifetime: createLifetime(), onError: (error) => errors.push(error) });
  refresh.request();
  await expect.poll(() => errors.length).toBe(1);
  refresh.request();
  await expect.poll(() => reads).toBe(2);
  expect(errors).toEqual([new Error('disk')]);
});

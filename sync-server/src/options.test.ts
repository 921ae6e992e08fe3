import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { memory } from './storage/memory.ts';
import { createSyncServer } from './sync-server.ts';
import { readLimits } from './options.ts';

describe('options of the server', { timeout: 30_000 }, () => {
  it('[OPT1] limits are tightened by name', () => {
    expect(readLimits()).toEqual(DEFAULT_LIMITS);
    expect(readLimits({ changesPerPush: 10, pagesInFlight: 9 })).toEqual({
      ...DEFAULT_LIMITS,
      changesPerPush: 10,
      pagesInFlight: 9,
    });
  });

  it.each([
    [{ limits: { frameBytes: DEFAULT_LIMITS.frameBytes + 1 } }],
    [{ limits: { changesPerPush: 0 } }],
    [{ limits: { helloMs: 1.5 } }],
    [{ limits: { frameSize: 1 } as object }],
    [{ origins: ['app.example'] }],
  ])('[OPT2] %j is refused with INVALID_OPTION', async (options) => {
    await expect(createSyncServer({ storage: memory(), ...options })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

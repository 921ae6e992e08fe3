import { DEFAULT_LIMITS, DEFAULT_RETENTION } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { memory } from './storage/memory.ts';
import { readLimits, readRetention } from './options.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import { createSyncServer, type SyncServerOptions } from './sync-server.ts';

describe('options of the server', { timeout: 30_000 }, () => {
  it('[OPT1] limits are tightened by name', () => {
    expect(readLimits()).toEqual(DEFAULT_LIMITS);
    expect(readLimits({ changesPerPush: 10, pagesInFlight: 9 })).toEqual({
      ...DEFAULT_LIMITS,
      changesPerPush: 10,
      pagesInFlight: 9,
    });
  });

  it('[OPT1] so is how long things are kept', () => {
    expect(readRetention()).toEqual(DEFAULT_RETENTION);
    expect(readRetention({ logMs: 0 })).toEqual({ ...DEFAULT_RETENTION, logMs: 0 });
  });

  it.each([
    [{ limits: { frameBytes: DEFAULT_LIMITS.frameBytes + 1 } }],
    [{ limits: { changesPerPush: 0 } }],
    [{ limits: { helloMs: 1.5 } }],
    [{ limits: { frameSize: 1 } as object }],
    [{ retention: { logMs: -1 } }],
    [{ retention: { tombstoneMs: Number.NaN } }],
    [{ retention: { logDays: 3 } as object }],
    [{ origins: ['app.example'] }],
    [{ metricsToken: 'short' }],
    [{ metricsToken: 7 as unknown as string }],
  ])('[OPT2] %j is refused with INVALID_OPTION', async (options) => {
    await expect(createSyncServer({ storage: memory(), ...options })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([[undefined], [{}], [{ storage: null }], [{ storage: './data/skerry.db' }], [{ storage: sqlite }]])(
    '[OPT2] %j, which has no storage, is refused with INVALID_OPTION that names it',
    async (options) => {
      await expect(createSyncServer(options as unknown as SyncServerOptions)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('storage'),
      });
    },
  );
});

import { expect, test } from 'vitest';

import { INITIAL_SYNC_STATE, type SyncState } from '../worker/link.ts';
import { SkerryError } from '../lib/errors.ts';
import { composeStatus, isSameStatus, NOTHING_PENDING } from './status.ts';

const LINK: SyncState = { ...INITIAL_SYNC_STATE, connection: 'online', firstSync: 'done', lastSyncedAt: 1_000 };

test('[STA5] the status is what the link says and what the local database counts', () => {
  const link: SyncState = {
    ...LINK,
    connection: 'stalled',
    reason: { code: 'TOO_LARGE', message: 'too large' },
    progress: { direction: 'push', done: 1, total: null },
    nextAttemptAt: 2_000,
  };
  expect(composeStatus({ link, pending: { changes: 2, bytes: 30, oldestMs: 500, position: 3 }, conflicts: 1 })).toEqual(
    {
      connection: 'stalled',
      reason: new SkerryError('TOO_LARGE', 'too large'),
      pending: { changes: 2, bytes: 30, oldestAt: new Date(500) },
      progress: { direction: 'push', done: 1, total: null },
      firstSync: 'done',
      lastSyncedAt: new Date(1_000),
      nextAttemptAt: new Date(2_000),
      conflicts: 1,
    },
  );
});

test('[STA5] without a link the device is local-only, whatever is pending', () => {
  const status = composeStatus({
    link: null,
    pending: { changes: 2, bytes: 30, oldestMs: 500, position: 3 },
    conflicts: 0,
  });
  expect(status).toMatchObject({ connection: 'local-only', firstSync: 'never', pending: { changes: 2 } });
  expect(status).not.toHaveProperty('reason');
});

test('[STA6] two statuses are the same when they say the same, the message of the reason included', () => {
  const status = (message: string): ReturnType<typeof composeStatus> =>
    composeStatus({ link: { ...LINK, reason: { code: 'OFFLINE', message } }, pending: NOTHING_PENDING, conflicts: 0 });
  expect(isSameStatus(status('a'), status('a'))).toBe(true);
  expect(isSameStatus(status('a'), status('b'))).toBe(false);
});

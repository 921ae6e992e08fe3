import { SkerryError, type Connection, type SyncStatus } from '@skerry/sdk';
import { expect, test } from 'vitest';

import {
  chipSentence,
  connectionSentence,
  reasonDetail,
  spokenStatus,
  type ChipSentence,
  type Waiting,
} from './status-sentence.ts';

test('[DSTAT1] up to date is said only while connected, with nothing to send, to fetch or to decide', () => {
  expect(text(status('online'))).toBe('Up to date');
  const others: string[] = [
    text(status('online', 1)),
    text(status('online'), 1),
    text({ ...status('online'), progress: { direction: 'pull', done: 1, total: null } }),
    text({ ...status('online'), firstSync: 'running' }),
    ...CONNECTIONS.filter((connection) => connection !== 'online').map((connection) => text(status(connection))),
  ];
  expect(others).not.toContain('Up to date');
});

test('[DSTAT2] whatever the connection, changes that are only here are said to be here', () => {
  const said = CONNECTIONS.map((connection) => text(status(connection, 3)));
  expect(said).toEqual([
    'Saved on this device only',
    'Connecting, 3 changes saved here',
    'Syncing 3…',
    'Offline, 3 changes saved here',
    'Offline, 3 changes saved here',
    'Offline, 3 changes saved here',
    'Sign in to sync, 3 changes saved here',
    'Reload to sync, 3 changes saved here',
    'Sync is stuck, 3 changes saved here',
  ]);
});

test('[DSTAT3] offline is calm, and one change is one change', () => {
  expect(sentence(status('offline', 1), 2)).toEqual({
    icon: 'offline',
    tone: 'offline',
    text: 'Offline, 1 change saved here',
  });
  expect(text(status('paused'))).toBe('Offline, everything is saved here');
});

test('[DSTAT4] only what stops until a person acts is marked so', () => {
  const marked = CONNECTIONS.filter((connection) => sentence(status(connection), 0).tone === 'act');
  expect(marked).toEqual(['auth-required', 'upgrade-required', 'stalled']);
});

test('[DSTAT5] decisions wait behind what is still on the way', () => {
  expect([text(status('online', 1), 2), text(status('online'), 2)]).toEqual(['Syncing 1…', '2 to decide']);
});

test('[DSTAT6] the panel says in a sentence where the data is', () => {
  expect(connectionSentence(status('online'))).toBe('Connected. The server has everything that was saved here.');
  expect(connectionSentence(status('online', 2))).toBe('Connected. 2 changes on the way to the server.');
  expect(new Set(CONNECTIONS.map((connection) => connectionSentence(status(connection)))).size).toBe(8);
});

test('[DSTAT7] what is said aloud does not change with every change that is saved or sent', () => {
  const said = [0, 1, 2].map((changes) => spokenStatus(sentence(status('offline', changes), 0)));
  expect(new Set(said)).toEqual(new Set(['Working offline. What you do is saved on this device.']));
  expect(spokenStatus(sentence(status('online', 1), 0))).toBe(null);
});

test('[DSTAT8] nothing is said to be sent later while nobody knows whether it will be', () => {
  const reason = new SkerryError('SERVER_REPLACED', 'the cursor names server Vq3x, this is 8sdF');
  const replaced = { ...status('stalled', 1), reason };
  expect(connectionSentence(replaced)).toMatch(
    /^This server does not have the history that this device has\. Nothing here was deleted; nothing is sent until/,
  );
  expect(connectionSentence(status('stalled', 1))).toContain('stays here until that is solved');
  for (const stalled of [replaced, status('stalled')]) expect(connectionSentence(stalled)).not.toContain('later');
  expect(text(replaced)).toBe('Sync is stuck, 1 change saved here');
});

test('[DSTAT9] the panel shows what the server says, but no ids of servers', () => {
  const reason = new SkerryError('SERVER_REPLACED', 'the cursor names server Vq3x, this is 8sdF');
  expect(reasonDetail({ ...status('stalled'), reason })).toBe(null);
  const refused = new SkerryError('FORBIDDEN', 'You may only read here.');
  expect(reasonDetail({ ...status('stalled'), reason: refused })).toBe('You may only read here.');
  expect(reasonDetail({ ...status('paused'), reason: refused })).toBe(null);
  expect(reasonDetail(status('offline'))).toBe(null);
});

test('[DSTAT10] what the server did not accept comes before what is to decide, once everything else is sent', () => {
  const refused = (changes: number, notAccepted: number) =>
    sentence(status('online', changes), notAccepted + 2, { notAccepted });
  expect(refused(0, 1)).toEqual({ icon: 'refused', tone: 'act', text: '1 change was not accepted' });
  expect(refused(0, 2).text).toBe('2 changes were not accepted');
  expect(refused(3, 1).text).toBe('Syncing 3…');
  expect(sentence(status('offline'), 1, { notAccepted: 1 }).text).toMatch(/^Offline/);
});

test('[DSTAT11] a danger to what is stored here is said in the place of everything that would calm; what stops the sync is not hidden by it', () => {
  const atRisk = CONNECTIONS.map(
    (connection) => sentence(status(connection, 3), 0, { storage: 'may-be-deleted' }).text,
  );
  expect(atRisk).toEqual([
    'This browser may delete your notes',
    'Connecting, 3 changes saved here',
    'Syncing 3…',
    'This browser may delete your notes',
    'This browser may delete your notes',
    'This browser may delete your notes',
    'Sign in to sync, 3 changes saved here',
    'Reload to sync, 3 changes saved here',
    'Sync is stuck, 3 changes saved here',
  ]);
  expect(sentence(status('online'), 0, { storage: 'may-be-deleted' }).tone).toBe('decide');
  for (const connection of CONNECTIONS)
    expect(sentence(status(connection, 1), 1, { storage: 'cannot-save' })).toMatchObject({
      tone: 'act',
      text: 'Nothing can be saved now',
    });
});

const CONNECTIONS: readonly Connection[] = [
  'local-only',
  'connecting',
  'online',
  'offline',
  'paused',
  'backoff',
  'auth-required',
  'upgrade-required',
  'stalled',
];

function text(of: SyncStatus, toDecide = 0): string {
  return sentence(of, toDecide).text;
}

function sentence(of: SyncStatus, toDecide: number, more: Partial<Waiting> = {}): ChipSentence {
  return chipSentence(of, { toDecide, notAccepted: 0, storage: null, ...more });
}

function status(connection: Connection, changes = 0): SyncStatus {
  return {
    connection,
    pending: { changes, bytes: 0, oldestAt: null },
    progress: null,
    firstSync: 'done',
    lastSyncedAt: null,
    nextAttemptAt: null,
    conflicts: 0,
  };
}

import { afterEach, expect, test } from 'vitest';

import { INITIAL_SYNC_STATE } from '../session/sync-state.ts';
import { openTabChannel, type TabChannel } from './channel.ts';
import { isHostReport, isTabMessage, type TabMessage } from './host-messages.ts';

const open: TabChannel[] = [];
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});

function tab(name: string): { readonly heard: TabMessage[]; readonly channel: TabChannel } {
  const heard: TabMessage[] = [];
  const channel = openTabChannel(name, (message) => void heard.push(message));
  open.push(channel);
  return { heard, channel };
}

const messages: readonly TabMessage[] = [
  { type: 'state', state: INITIAL_SYNC_STATE },
  { type: 'state', state: { ...INITIAL_SYNC_STATE, reason: { code: 'OFFLINE', message: '' }, lastSyncedAt: 1 } },
  { type: 'changed', touched: { notes: ['a'] } },
  { type: 'news', news: { at: 1, type: 'pushed', changes: 1 } },
  { type: 'answer', ask: 'x' },
  { type: 'ask' },
  { type: 'leading' },
  { type: 'wake' },
  { type: 'wake', ask: 'x' },
  { type: 'local-write' },
  { type: 'pause' },
  { type: 'resume' },
];

test('[TC1] every message reaches the other tabs of the same database, and no other', async () => {
  const [a, b, other] = [tab('tc1'), tab('tc1'), tab('tc1-other')];
  for (const message of messages) a.channel.post(message);
  await expect.poll(() => b.heard).toEqual(messages);
  expect([a.heard, other.heard]).toEqual([[], []]);
});

const foreign: readonly unknown[] = [
  null,
  'state',
  [],
  {},
  { type: 'constructor' },
  { type: 'state' },
  { type: 'state', state: {} },
  { type: 'state', state: { ...INITIAL_SYNC_STATE, connection: 'excellent' } },
  { type: 'state', state: { ...INITIAL_SYNC_STATE, reason: { code: 'constructor', message: '' } } },
  { type: 'state', state: { ...INITIAL_SYNC_STATE, lastSyncedAt: NaN } },
  { type: 'changed', touched: { notes: 'a' } },
  { type: 'changed', touched: { notes: [1] } },
  { type: 'news', news: { type: 'pushed' } },
  { type: 'answer' },
  { type: 'wake', ask: 1 },
];

test('[TC2] what has another shape, as of a tab of another version, is ignored', async () => {
  expect(foreign.filter((message) => isTabMessage(message))).toEqual([]);
  const { heard } = tab('tc2');
  const stranger = new BroadcastChannel('skerry:tc2');
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has no target
  for (const message of [...foreign, { type: 'ask' }]) stranger.postMessage(message);
  await expect.poll(() => heard).toEqual([{ type: 'ask' }]);
  stranger.close();
});

test('[TC3] a request between tabs is not a report to a page', () => {
  expect(messages.filter((message) => isHostReport(message)).map(({ type }) => type)).toEqual([
    'state',
    'state',
    'changed',
    'news',
    'answer',
  ]);
});

test('[TC4] a closed channel hears and says nothing', async () => {
  const [a, b, c] = [tab('tc4'), tab('tc4'), tab('tc4')];
  a.channel.close();
  b.channel.post({ type: 'ask' });
  a.channel.post({ type: 'pause' });
  c.channel.post({ type: 'resume' });
  await expect.poll(() => b.heard).toEqual([{ type: 'resume' }]);
  expect(a.heard).toEqual([]);
  expect(c.heard).toEqual([{ type: 'ask' }]);
});

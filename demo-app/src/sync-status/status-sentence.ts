/**
 * What the sync chip and its panel say. They never say more than is true: 'up to date' only while connected with
 * nothing to send, and what is only on this device is said to be only here.
 */
import type { SyncStatus } from '@skerry/sdk';

import { count } from '../ui/relative-time.ts';

export type ChipIcon =
  'synced' | 'syncing' | 'connecting' | 'offline' | 'cut' | 'decide' | 'sign-in' | 'upgrade' | 'stuck' | 'local';
/** Calm is the rule. 'decide' waits for a person without hurry; 'act': nothing goes on until a person does something. */
export type ChipTone = 'calm' | 'busy' | 'offline' | 'decide' | 'act';

export interface ChipSentence {
  readonly icon: ChipIcon;
  readonly tone: ChipTone;
  readonly text: string;
}

/** `toDecide` counts all that waits for a person: conflicts and double bookings. */
export function chipSentence(status: SyncStatus, toDecide: number): ChipSentence {
  const changes = status.pending.changes;
  switch (status.connection) {
    case 'auth-required':
      return { icon: 'sign-in', tone: 'act', text: `Sign in to sync, ${savedHere(changes)}` };
    case 'upgrade-required':
      return { icon: 'upgrade', tone: 'act', text: `Reload to sync, ${savedHere(changes)}` };
    case 'stalled':
      return { icon: 'stuck', tone: 'act', text: `Sync is stuck, ${savedHere(changes)}` };
    case 'offline':
    case 'backoff':
      return { icon: 'offline', tone: 'offline', text: `Offline, ${savedHere(changes)}` };
    case 'paused':
      return { icon: 'cut', tone: 'offline', text: `Offline, ${savedHere(changes)}` };
    case 'connecting':
      return { icon: 'connecting', tone: 'busy', text: `Connecting, ${savedHere(changes)}` };
    case 'local-only':
      return toDecide > 0 ? decide(toDecide) : { icon: 'local', tone: 'calm', text: 'Saved on this device only' };
    case 'online':
      return onlineSentence(status, toDecide);
  }
}

/**
 * For those who listen: said when it changes and not with every number. Null while something is on its way: then what was
 * said last still holds.
 */
export function spokenStatus({ icon }: ChipSentence): string | null {
  switch (icon) {
    case 'synced':
      return 'Everything is synced.';
    case 'offline':
    case 'cut':
      return 'Working offline. What you do is saved on this device.';
    case 'decide':
      return 'There is something to decide.';
    case 'sign-in':
      return 'You have to sign in before changes are synced.';
    case 'upgrade':
      return 'You have to reload before changes are synced.';
    case 'stuck':
      return 'Changes cannot be synced.';
    case 'local':
    case 'syncing':
    case 'connecting':
      return null;
  }
}

const REPLACED =
  'This server does not have the history that this device has. Nothing here was deleted; nothing is sent until the server has its old data back.';
const STUCK =
  'The server does not take what this device sends. What you do is saved on this device and stays here until that is solved.';

/** What the status tells people in the words of the SDK. Null where the sentence says it and the rest is for developers. */
export function reasonDetail(status: SyncStatus): string | null {
  if (!status.reason || status.connection === 'paused' || isReplaced(status)) return null;
  return status.reason.message;
}

function isReplaced({ connection, reason }: SyncStatus): boolean {
  return connection === 'stalled' && reason?.code === 'SERVER_REPLACED';
}

/** One or two full sentences for the panel. */
export function connectionSentence(status: SyncStatus): string {
  const kept = 'What you do is saved on this device and sent later.';
  switch (status.connection) {
    case 'auth-required':
      return `The server wants you to sign in. ${kept}`;
    case 'upgrade-required':
      return 'This version of the app and the server do not understand each other. Reload the page; nothing is lost.';
    case 'stalled':
      return isReplaced(status) ? REPLACED : STUCK;
    case 'offline':
    case 'backoff':
      return `The server cannot be reached. ${kept}`;
    case 'paused':
      return `The network of this device is cut. ${kept}`;
    case 'connecting':
      return 'Looking for the server.';
    case 'local-only':
      return 'This app keeps everything on this device and sends nothing.';
    case 'online':
      return status.pending.changes > 0
        ? `Connected. ${count(status.pending.changes, 'change')} on the way to the server.`
        : 'Connected. The server has everything that was saved here.';
  }
}

function onlineSentence(status: SyncStatus, toDecide: number): ChipSentence {
  const { pending, progress, firstSync } = status;
  if (pending.changes > 0) return { icon: 'syncing', tone: 'busy', text: `Syncing ${pending.changes}…` };
  if (progress !== null || firstSync === 'running') return { icon: 'syncing', tone: 'busy', text: 'Syncing…' };
  if (toDecide > 0) return decide(toDecide);
  return { icon: 'synced', tone: 'calm', text: 'Up to date' };
}

function decide(toDecide: number): ChipSentence {
  return { icon: 'decide', tone: 'decide', text: `${toDecide} to decide` };
}

function savedHere(changes: number): string {
  return changes === 0 ? 'everything is saved here' : `${count(changes, 'change')} saved here`;
}

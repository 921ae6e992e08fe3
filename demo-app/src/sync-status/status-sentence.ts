/**
 * What the sync chip and its panel say. They never say more than is true: 'up to date' only while connected with
 * nothing to send, and what is only on this device is said to be only here.
 */
import type { SyncStatus } from '@skerry/sdk';

import { count } from '../ui/relative-time.ts';
import type { StorageTrouble } from './storage-words.ts';

export type ChipIcon =
  | 'synced'
  | 'syncing'
  | 'connecting'
  | 'offline'
  | 'cut'
  | 'decide'
  | 'sign-in'
  | 'upgrade'
  | 'stuck'
  | 'local'
  | 'refused'
  | 'at-risk'
  | 'unsaved';
/** Calm is the rule. 'decide' waits for a person without hurry; 'act': nothing goes on until a person does something. */
export type ChipTone = 'calm' | 'busy' | 'offline' | 'decide' | 'act';

export interface ChipSentence {
  readonly icon: ChipIcon;
  readonly tone: ChipTone;
  readonly text: string;
}

/** What waits for a person, and what the browser does to what is stored. */
export interface Waiting {
  /** Conflicts and double bookings; what was not accepted is one of them. */
  readonly toDecide: number;
  readonly notAccepted: number;
  readonly storage: StorageTrouble | null;
}

export function chipSentence(status: SyncStatus, waiting: Waiting): ChipSentence {
  if (waiting.storage === 'cannot-save') return { icon: 'unsaved', tone: 'act', text: 'Nothing can be saved now' };
  const changes = status.pending.changes;
  const atRisk = waiting.storage === 'may-be-deleted' ? AT_RISK : null;
  switch (status.connection) {
    case 'auth-required':
      return { icon: 'sign-in', tone: 'act', text: `Sign in to sync, ${savedHere(changes)}` };
    case 'upgrade-required':
      return { icon: 'upgrade', tone: 'act', text: `Reload to sync, ${savedHere(changes)}` };
    case 'stalled':
      return { icon: 'stuck', tone: 'act', text: `Sync is stuck, ${savedHere(changes)}` };
    case 'offline':
    case 'backoff':
      return atRisk ?? { icon: 'offline', tone: 'offline', text: `Offline, ${savedHere(changes)}` };
    case 'paused':
      return atRisk ?? { icon: 'cut', tone: 'offline', text: `Offline, ${savedHere(changes)}` };
    case 'connecting':
      return { icon: 'connecting', tone: 'busy', text: `Connecting, ${savedHere(changes)}` };
    case 'local-only':
      return toAct(waiting) ?? atRisk ?? { icon: 'local', tone: 'calm', text: 'Saved on this device only' };
    case 'online':
      return sending(status) ?? toAct(waiting) ?? atRisk ?? { icon: 'synced', tone: 'calm', text: 'Up to date' };
  }
}

const AT_RISK: ChipSentence = { icon: 'at-risk', tone: 'decide', text: 'This browser may delete your notes' };

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
    case 'refused':
      return 'The server did not take something that you changed.';
    case 'at-risk':
      return 'This browser may delete your notes.';
    case 'unsaved':
      return 'Nothing can be saved at present.';
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

function sending({ pending, progress, firstSync }: SyncStatus): ChipSentence | null {
  if (pending.changes > 0) return { icon: 'syncing', tone: 'busy', text: `Syncing ${pending.changes}…` };
  if (progress !== null || firstSync === 'running') return { icon: 'syncing', tone: 'busy', text: 'Syncing…' };
  return null;
}

function toAct({ toDecide, notAccepted }: Waiting): ChipSentence | null {
  if (notAccepted > 0) {
    const were = notAccepted === 1 ? 'was' : 'were';
    return { icon: 'refused', tone: 'act', text: `${count(notAccepted, 'change')} ${were} not accepted` };
  }
  return toDecide > 0 ? { icon: 'decide', tone: 'decide', text: `${toDecide} to decide` } : null;
}

function savedHere(changes: number): string {
  return changes === 0 ? 'everything is saved here' : `${count(changes, 'change')} saved here`;
}

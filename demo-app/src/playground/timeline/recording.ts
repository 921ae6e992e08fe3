/**
 * What the devices' `events$` say, as one story: the changes in the order in which they were made, the messages between
 * devices and server, conflicts, and when a network was cut.
 *
 * Moments are places in the order in which the page heard of things, so that no device's clock is believed. What a change
 * had seen is said by the SDK: how far its writer had applied the log when it was written.
 */
import type { SyncEvent, VersionVector } from '@skerry/sdk';

export type Heard =
  | { readonly device: string; readonly event: SyncEvent }
  /** The window was torn away. */
  | { readonly device: string; readonly crash: true }
  /** What a change did, in a few words: found out a moment later. */
  | { readonly device: string; readonly dot: string; readonly about: string };

export interface RecordedChange {
  readonly dot: string;
  readonly device: string;
  /** Its number among the changes of the device: 1, 2, 3 … */
  readonly number: number;
  readonly moment: number;
  readonly about: string;
  readonly saw: VersionVector;
}

/** `up`: a device's changes reach the server. `down`: the server's reach a device. */
export interface Message {
  readonly direction: 'up' | 'down';
  readonly device: string;
  readonly from: number;
  readonly to: number;
  readonly dots: readonly string[];
}

export interface Mark {
  readonly kind: 'conflict-opened' | 'conflict-closed' | 'crash';
  readonly device: string;
  readonly moment: number;
}

export interface Cut {
  readonly device: string;
  readonly from: number;
  /** Null: it is still cut. */
  readonly to: number | null;
}

export interface Recording {
  /** How many moments there are. */
  readonly moments: number;
  readonly changes: readonly RecordedChange[];
  readonly messages: readonly Message[];
  readonly marks: readonly Mark[];
  readonly cuts: readonly Cut[];
  /** What was applied, page by page. */
  readonly pages: readonly Page[];
  /** How many of its changes, the oldest first, each device knows to be at the server. */
  readonly confirmed: Readonly<Record<string, number>>;
  /** The open conflicts of each device. */
  readonly open: Readonly<Record<string, readonly string[]>>;
  /** The changes that the server has. */
  readonly atServer: ReadonlySet<string>;
}

interface Page {
  readonly device: string;
  readonly dots: readonly string[];
  readonly vector: VersionVector;
}

export const NOTHING_HEARD: Recording = {
  moments: 0,
  changes: [],
  messages: [],
  marks: [],
  cuts: [],
  pages: [],
  confirmed: {},
  open: {},
  atServer: new Set(),
};

/** The story, and what was heard now. What says nothing to a timeline takes no moment. */
export function hear(recording: Recording, heard: Heard): Recording {
  if ('about' in heard) return withAbout(recording, heard);
  if ('crash' in heard) return withMark(recording, 'crash', heard.device);
  const { device, event } = heard;
  switch (event.type) {
    case 'local-write':
      return written(recording, device, event);
    case 'pushed':
      return pushed(recording, device);
    case 'accepted':
      return accepted(recording, device, event.changes);
    case 'applied':
      return applied(recording, { device, dots: event.dots, vector: event.vector });
    case 'conflict-opened':
    case 'conflict-closed':
      return conflictMoved(recording, device, event);
    case 'connection':
      return connected(recording, device, event.connection);
    default:
      return recording;
  }
}

/** Whether `change` was written by somebody who had `other`. */
export function hadSeen({ pages }: Recording, change: RecordedChange, other: RecordedChange): boolean {
  if (change.device === other.device) return other.moment < change.moment;
  const page = pages.find(({ device, dots }) => device === change.device && dots.includes(other.dot));
  return page !== undefined && Object.entries(page.vector).every(([sid, n]) => (change.saw[sid] ?? 0) >= n);
}

/** Changes of which neither had seen the other, joined where they share one; in the order in which they were made. */
export function concurrentGroups(recording: Recording): readonly (readonly RecordedChange[])[] {
  const { changes } = recording;
  const groups: RecordedChange[][] = [];
  for (const change of changes) {
    const beside = groups.filter((group) => group.some((other) => areConcurrent(recording, change, other)));
    const joined = [...beside.flat(), change];
    groups.splice(0, groups.length, ...groups.filter((group) => !beside.includes(group)), joined);
  }
  return groups
    .filter((group) => group.length > 1)
    .map((group) => group.toSorted((a, b) => a.moment - b.moment))
    .sort((a, b) => a[0]!.moment - b[0]!.moment);
}

function areConcurrent(recording: Recording, one: RecordedChange, other: RecordedChange): boolean {
  return !hadSeen(recording, one, other) && !hadSeen(recording, other, one);
}

/** How many changes of each writer somebody knows. */
export function knownBy(recording: Recording, who: string | 'server', writers: readonly string[]): readonly number[] {
  const known = new Set(
    who === 'server' ? recording.atServer : recording.pages.flatMap(({ device, dots }) => (device === who ? dots : [])),
  );
  return writers.map(
    (writer) =>
      recording.changes.filter(({ device, dot }) => device === writer && (writer === who || known.has(dot))).length,
  );
}

/** How far a device has applied the server's log; of the server, how far anybody has. */
export function logAppliedBy({ pages }: Recording, who: string | 'server'): number {
  const vectors = pages
    .filter(({ device }) => who === 'server' || device === who)
    .map(({ vector }) => lengthOf(vector));
  return Math.max(0, ...vectors);
}

function lengthOf(vector: VersionVector): number {
  return Object.values(vector).reduce((sum, n) => sum + n, 0);
}

function written(
  recording: Recording,
  device: string,
  { dot, saw }: Extract<SyncEvent, { type: 'local-write' }>,
): Recording {
  const number = recording.changes.filter((change) => change.device === device).length + 1;
  const change: RecordedChange = { dot, device, number, moment: recording.moments, about: '', saw };
  return { ...recording, moments: recording.moments + 1, changes: [...recording.changes, change] };
}

/** Where the message begins; it is known to have arrived when it is accepted. */
function pushed(recording: Recording, device: string): Recording {
  const message: Message = { direction: 'up', device, from: recording.moments, to: recording.moments, dots: [] };
  return { ...recording, moments: recording.moments + 1, messages: [...withoutUnderway(recording, device), message] };
}

/** Devices send in the order in which they wrote. */
function accepted(recording: Recording, device: string, count: number): Recording {
  const confirmed = (recording.confirmed[device] ?? 0) + count;
  const dots = recording.changes
    .filter((change) => change.device === device)
    .slice(0, confirmed)
    .map(({ dot }) => dot);
  const told = { ...recording, confirmed: { ...recording.confirmed, [device]: confirmed } };
  return arrived(told, device, dots);
}

/** The server has these changes of a device: where that is new, a message has come there. */
function arrived(recording: Recording, device: string, dots: readonly string[]): Recording {
  const fresh = dots.filter((dot) => !recording.atServer.has(dot));
  if (fresh.length === 0) return recording;
  const from = recording.messages.find((message) => isUnderway(message, device))?.from ?? recording.moments;
  const message: Message = { direction: 'up', device, from, to: recording.moments, dots: fresh };
  return {
    ...recording,
    moments: recording.moments + 1,
    messages: [...withoutUnderway(recording, device), message],
    atServer: new Set([...recording.atServer, ...fresh]),
  };
}

function isUnderway({ direction, device, dots }: Message, of: string): boolean {
  return direction === 'up' && device === of && dots.length === 0;
}

function withoutUnderway({ messages }: Recording, device: string): readonly Message[] {
  return messages.filter((message) => !isUnderway(message, device));
}

/** What comes from the server has been there, also where the page has not heard that it was accepted. */
function applied(recording: Recording, page: Page): Recording {
  const known = recording.changes.filter(({ dot }) => page.dots.includes(dot));
  const foreign = known.filter(({ device }) => device !== page.device).map(({ dot }) => dot);
  let told: Recording = { ...recording, pages: [...recording.pages, page] };
  for (const device of new Set(known.map((change) => change.device)))
    told = arrived(
      told,
      device,
      known.filter((change) => change.device === device).map(({ dot }) => dot),
    );
  if (foreign.length === 0) return told;
  const message: Message = {
    direction: 'down',
    device: page.device,
    from: told.moments,
    to: told.moments + 1,
    dots: foreign,
  };
  return { ...told, moments: told.moments + 2, messages: [...told.messages, message] };
}

/** A question that gives way to another one, because somebody else came back with one more version, is not decided. */
function conflictMoved(
  recording: Recording,
  device: string,
  { type, conflict }: { readonly type: 'conflict-opened' | 'conflict-closed'; readonly conflict: string },
): Recording {
  const others = (recording.open[device] ?? []).filter((id) => id !== conflict);
  const now = type === 'conflict-opened' ? [...others, conflict] : others;
  const told = { ...recording, open: { ...recording.open, [device]: now } };
  return type === 'conflict-closed' && now.length > 0 ? told : withMark(told, type, device);
}

function withMark(recording: Recording, kind: Mark['kind'], device: string): Recording {
  const last = recording.marks.at(-1);
  const isSame = last?.kind === kind && last.device === device && last.moment === recording.moments - 1;
  if (isSame) return recording;
  return {
    ...recording,
    moments: recording.moments + 1,
    marks: [...recording.marks, { kind, device, moment: recording.moments }],
  };
}

function connected(recording: Recording, device: string, connection: string): Recording {
  const open = recording.cuts.find((cut) => cut.device === device && cut.to === null);
  if (connection === 'paused' && !open) {
    const cut: Cut = { device, from: recording.moments, to: null };
    return { ...recording, moments: recording.moments + 1, cuts: [...recording.cuts, cut] };
  }
  if (connection !== 'online' || !open) return recording;
  const healed = recording.cuts.map((cut) => (cut === open ? { ...cut, to: recording.moments } : cut));
  return { ...recording, moments: recording.moments + 1, cuts: healed };
}

function withAbout(recording: Recording, { dot, about }: { readonly dot: string; readonly about: string }): Recording {
  const changes = recording.changes.map((change) => (change.dot === dot ? { ...change, about } : change));
  return { ...recording, changes };
}

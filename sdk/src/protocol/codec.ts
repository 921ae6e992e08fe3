/**
 * Frames to text and back. What comes back is checked field by field; what is wrong is a value with a code, never an
 * exception, because it is an expected outcome with peers that nobody vouches for.
 */
import type { Change } from '../core/change.ts';
import type { Control } from '../core/control.ts';
import type { Dot } from '../core/dot.ts';
import type { Stamp } from '../core/version-vector.ts';
import { ERROR_CODES, type ErrorCode } from '../lib/errors.ts';
import { findRepetition } from './check-change.ts';
import { countMembers, MAX_FRAME_DEPTH, scanFrameText } from './frame-text.ts';
import { cutBeforeLater } from './later-entries.ts';
import type { Limits } from './limits.ts';
import { PROTOCOL_VERSION } from './messages.ts';
import type {
  DeviceMessage,
  ErrorFrame,
  LogEntry,
  Page,
  Pushed,
  RefusalCode,
  ServerMessage,
  Snapshot,
} from './messages.ts';
import { packPage, packPush, unpackFrame } from './packing.ts';
import { DEVICE_MESSAGE, SERVER_MESSAGE } from './schema.ts';
import { findShapeProblem, type Shape } from './shape.ts';
import { told } from './told.ts';

export type Decoded<Message> = { readonly type: 'ok'; readonly message: Message } | BadFrame;

export interface BadFrame {
  readonly type: 'bad';
  readonly code: 'BAD_FRAME' | 'TOO_LARGE' | 'UPGRADE_REQUIRED';
  readonly reason: string;
}

export function encodeMessage(message: DeviceMessage | ServerMessage): string {
  switch (message.type) {
    case 'push':
      return JSON.stringify(packPush(message));
    case 'page':
      return JSON.stringify(packPage(message));
    default:
      return JSON.stringify(message);
  }
}

/** An entry of the log whose content is text already: what a server reads from its storage. */
export interface StoredEntry {
  /** Place in this server's own log: 1, 2, 3 …, whoever numbered the entry. Never leaves the server. */
  readonly lsn: number;
  readonly stamp: Stamp;
  readonly kind: 'change' | 'alias' | 'control';
  /** null for a control entry. */
  readonly dot: Dot | null;
  /** JSON text of the change or of the control entry; null when the receiver has the change in its outbox, and for most aliases. */
  readonly text: string | null;
  /** The stamp of a change whose text is left out. */
  readonly hlc?: number;
  /** Chain hash of the entry's stream up to it. */
  readonly chain?: string;
}

/** The entry without its content, for a receiver that has it: its stamp stays, because the receiver may have altered its own. */
export function bareEntry(entry: StoredEntry): StoredEntry {
  // Neither the dot nor the keys that may stand before the stamp can hold this text.
  const hlc = /"hlc":(\d+)/.exec(entry.text ?? '')?.[1];
  return { ...entry, text: null, ...(hlc === undefined ? {} : { hlc: Number(hlc) }) };
}

/**
 * Whether an entry may be of a change that was taken back: its receiver must be told, because its content may still come
 * from elsewhere. Text of an app that looks like it costs some bytes.
 */
export function mayBeVoid({ text }: StoredEntry): boolean {
  return text?.includes('"recs":[]') ?? false;
}

/** Where a page stands in the log: what `Page` says beside its entries. */
export type PagePlace = Omit<Page, 'type' | 'entries'>;

/** A page of what a server has stored. */
export function encodePage(stored: readonly StoredEntry[], place: PagePlace): string {
  return encodeMessage({ type: 'page', entries: stored.map(entryOf), ...place });
}

function entryOf({ stamp, kind, dot, text, hlc }: StoredEntry): LogEntry {
  if (kind === 'control') return { stamp, control: JSON.parse(text!) as Control };
  // An alias with content is a change that its receiver knows and compares.
  if (text !== null) return { stamp, dot: dot!, change: JSON.parse(text) as Change };
  if (kind === 'alias') return { stamp, dot: dot!, alias: true };
  return { stamp, dot: dot!, ...(hlc === undefined ? {} : { hlc }) };
}

/** A frame from a device. The changes in a push have dots; each is checked by itself when it is admitted. */
export function decodeDeviceMessage(text: string, limits: Limits): Decoded<DeviceMessage> {
  return decode<DeviceMessage>(text, DEVICE_MESSAGE, limits);
}

/** A frame from the server, the changes in it included. A code that this version does not know is read as INTERNAL. */
export function decodeServerMessage(text: string, limits: Limits): Decoded<ServerMessage> {
  const decoded = decode<ServerMessage>(text, SERVER_MESSAGE, limits);
  if (decoded.type === 'bad') return decoded;
  const { message } = decoded;
  switch (message.type) {
    case 'page':
      return checkPage(message);
    case 'error':
      return { type: 'ok', message: withKnownCode(message) };
    case 'pushed':
      return { type: 'ok', message: withKnownRefusal(message) };
    case 'snapshot':
      return checkSnapshot(message);
    case 'welcome':
    case 'pong':
      return decoded;
  }
}

function decode<Message>(text: string, shape: Shape, limits: Limits): Decoded<Message> {
  const scanned = scanFrameText(text, limits.frameBytes);
  switch (scanned.type) {
    case 'too-large':
      return bad('TOO_LARGE', `the frame is larger than ${limits.frameBytes} bytes`);
    case 'too-deep':
      return bad('BAD_FRAME', `the frame is nested deeper than ${MAX_FRAME_DEPTH} levels`);
    case 'ok':
      return decodeValue<Message>(parse(text), scanned.members, shape, limits);
  }
}

/** `members`: how many its text has. */
function decodeValue<Message>(value: unknown, members: number, shape: Shape, limits: Limits): Decoded<Message> {
  if (value === undefined) return bad('BAD_FRAME', 'the frame is not JSON');
  if (countMembers(value) !== members) return bad('BAD_FRAME', 'an object in the frame has two members of one name');
  const otherVersion = protocolOf(value);
  if (otherVersion !== null) {
    return bad('UPGRADE_REQUIRED', `the peer speaks protocol ${otherVersion}, this is protocol ${PROTOCOL_VERSION}`);
  }
  const known = cutBeforeLater(unpackFrame(value));
  const problem = findShapeProblem(known, shape, limits);
  if (!problem) return { type: 'ok', message: known as Message };
  return bad(problem.overLimit ? 'TOO_LARGE' : 'BAD_FRAME', `${problem.path || 'the frame'} ${problem.reason}`);
}

/** Another version's greeting may look different in everything but these two fields. */
function protocolOf(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('protocol' in value)) return null;
  if (value.type !== 'hello' && value.type !== 'welcome') return null;
  const { protocol } = value;
  return typeof protocol === 'number' && Number.isSafeInteger(protocol) && protocol !== PROTOCOL_VERSION
    ? protocol
    : null;
}

function checkPage(page: Page): Decoded<ServerMessage> {
  const problem = findEntryProblem(page.entries);
  return problem === null ? { type: 'ok', message: page } : bad('BAD_FRAME', `entries${problem}`);
}

function findEntryProblem(entries: readonly LogEntry[]): string | null {
  for (const [i, entry] of entries.entries()) {
    if ('control' in entry || 'alias' in entry || !entry.change) continue;
    if (entry.change.dot !== entry.dot) return `[${i}].change has another dot than its entry`;
    const repetition = findRepetition(entry.change);
    if (repetition !== null) return `[${i}]: ${repetition}`;
  }
  return null;
}

/** Every place in a record names a mark, so that reading it later cannot fail. */
function checkSnapshot(snapshot: Snapshot): Decoded<ServerMessage> {
  for (const [i, { state }] of snapshot.records.entries()) {
    const entries = [...state.life, ...Object.values(state.cells).flat(), ...Object.values(state.hot ?? {})];
    const places = [...state.rv, ...entries.map(({ m }) => m)];
    if (places.some((place) => place >= state.marks.length))
      return bad('BAD_FRAME', `records[${i}].state names a mark that is not there`);
  }
  const problem = findEntryProblem(snapshot.recent);
  return problem === null ? { type: 'ok', message: snapshot } : bad('BAD_FRAME', `recent${problem}`);
}

function withKnownCode(frame: ErrorFrame): ErrorFrame {
  return isErrorCode(frame.code) ? frame : { ...frame, code: 'INTERNAL' };
}

function withKnownRefusal(pushed: Pushed): Pushed {
  if (!pushed.refused || REFUSAL_CODES.has(pushed.refused.code)) return pushed;
  return { ...pushed, refused: { ...pushed.refused, code: 'INTERNAL' } };
}

const REFUSAL_CODES: ReadonlySet<RefusalCode> = new Set([
  'CLOCK',
  'BEHIND',
  'GAP',
  'GONE',
  'LIMBO',
  'EQUIVOCATION',
  'INVALID_CHANGE',
  'TOO_LARGE',
  'FORBIDDEN',
  'WITHDRAWN',
  'STORAGE_FULL',
  'INTERNAL',
] satisfies RefusalCode[]);

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

/** Undefined, which no JSON text means, for text that is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bad(code: BadFrame['code'], reason: string): BadFrame {
  return { type: 'bad', code, reason: told(reason) };
}

/**
 * Frames to text and back. What comes back is checked field by field; what is wrong is a value with a code, never an
 * exception, because it is an expected outcome with peers that nobody vouches for.
 */
import type { Change } from '../core/change.ts';
import type { Dot } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import { ERROR_CODES, type ErrorCode } from '../lib/errors.ts';
import { findRepetition } from './check-change.ts';
import { findFrameTextProblem, MAX_FRAME_DEPTH } from './frame-text.ts';
import type { Limits } from './limits.ts';
import { PROTOCOL_VERSION } from './messages.ts';
import type { DeviceMessage, ErrorFrame, LogEntry, Page, Pushed, RefusalCode, ServerMessage } from './messages.ts';
import { packPage, packPush, unpackFrame } from './packing.ts';
import { DEVICE_MESSAGE, SERVER_MESSAGE } from './schema.ts';
import { findShapeProblem, type Shape } from './shape.ts';

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

/** An entry of the log whose change is text already: what a server reads from its storage. */
export interface StoredEntry {
  readonly n: number;
  readonly dot: Dot;
  /** JSON text of the change; null when the receiver has it in its outbox. */
  readonly change: string | null;
  /** The stamp of a change whose text is left out. */
  readonly hlc?: number;
}

/** The entry without its content, for a receiver that has it: its stamp stays, because the receiver may have altered its own. */
export function bareEntry({ n, dot, change }: StoredEntry): StoredEntry {
  // Neither the dot nor the keys that may stand before the stamp can hold this text.
  const hlc = /"hlc":(\d+)/.exec(change ?? '')?.[1];
  return { n, dot, change: null, ...(hlc === undefined ? {} : { hlc: Number(hlc) }) };
}

/** A page of what a server has stored. */
export function encodePage(
  sid: Sid,
  stored: readonly StoredEntry[],
  cursor: VersionVector,
  head: VersionVector,
): string {
  const entries = stored.map(({ n, dot, hlc, change }): LogEntry => {
    const stamp = [sid, n] as const;
    if (change !== null) return { stamp, dot, change: JSON.parse(change) as Change };
    return hlc === undefined ? { stamp, dot } : { stamp, dot, hlc };
  });
  return encodeMessage({ type: 'page', entries, cursor, head });
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
    case 'welcome':
    case 'pong':
      return decoded;
  }
}

function decode<Message>(text: string, shape: Shape, limits: Limits): Decoded<Message> {
  switch (findFrameTextProblem(text, limits.frameBytes)) {
    case 'too-large':
      return bad('TOO_LARGE', `the frame is larger than ${limits.frameBytes} bytes`);
    case 'too-deep':
      return bad('BAD_FRAME', `the frame is nested deeper than ${MAX_FRAME_DEPTH} levels`);
    case null:
      return decodeValue<Message>(unpackFrame(parse(text)), shape, limits);
  }
}

function decodeValue<Message>(value: unknown, shape: Shape, limits: Limits): Decoded<Message> {
  if (value === undefined) return bad('BAD_FRAME', 'the frame is not JSON');
  const otherVersion = protocolOf(value);
  if (otherVersion !== null) {
    return bad('UPGRADE_REQUIRED', `the peer speaks protocol ${otherVersion}, this is protocol ${PROTOCOL_VERSION}`);
  }
  const problem = findShapeProblem(value, shape, limits);
  if (!problem) return { type: 'ok', message: value as Message };
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
  for (const [i, { dot, change }] of page.entries.entries()) {
    if (!change) continue;
    if (change.dot !== dot) return bad('BAD_FRAME', `entries[${i}].change has another dot than its entry`);
    const repetition = findRepetition(change);
    if (repetition !== null) return bad('BAD_FRAME', `entries[${i}]: ${repetition}`);
  }
  return { type: 'ok', message: page };
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
  'EQUIVOCATION',
  'INVALID_CHANGE',
  'TOO_LARGE',
  'FORBIDDEN',
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
  return { type: 'bad', code, reason };
}

/**
 * One connection as the server sees it: a state machine without socket, clock or storage.
 *
 * It promises: nothing is answered before a hello was accepted; a push is acknowledged only after the caller reported
 * it durable; pages follow the log from the receiver's cursor without a gap, and never more of them are on the way
 * than the receiver's credit allows, so that a slow reader costs a position and no memory.
 *
 * Every frame's fate is decided here; reading the log, checking rights and committing are effects, answered by events.
 */
import { reaches } from '../core/topology.ts';
import { covers, join, type Sid } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';
import {
  bareEntry,
  decodeDeviceMessage,
  mayBeVoid,
  type BadFrame,
  type PagePlace,
  type StoredEntry,
} from '../protocol/codec.ts';
import { CLOSE, PROTOCOL_VERSION } from '../protocol/messages.ts';
import type { Applied, DeviceMessage, ServerMessage, Snapshot, Staged } from '../protocol/messages.ts';
import { isOwn, withDots } from './own-dots.ts';
import type {
  Greeting,
  LogHead,
  Open,
  ServerContext,
  ServerEffect,
  ServerEvent,
  ServerSession,
  ServerStep,
  Waiting,
} from './server-events.ts';

export function newServerSession(atMs: number): ServerSession {
  return { phase: 'waiting', sinceMs: atMs };
}

export function stepServer(state: ServerSession, event: ServerEvent, context: ServerContext): ServerStep {
  if (state.phase === 'closed') return stay(state);
  switch (event.type) {
    case 'frame':
      return receive(state, event, context);
    case 'greeted':
      return state.phase === 'greeting' ? welcome(state, event, context) : stay(state);
    case 'failed':
      return fail(event.code, event.message, event.close);
    case 'admitted':
      return state.phase === 'open' ? acknowledge(state, event, context) : stay(state);
    case 'grown':
      return state.phase === 'open'
        ? pump({ ...state, head: later(state.head, event.head) }, [], context)
        : stay(state);
    case 'read':
      return state.phase === 'open' ? sendPage(state, event, context) : stay(state);
    case 'piece-read':
      return state.phase === 'open' ? sendPiece(state, event.snapshot, context) : stay(state);
    case 'tick':
      return checkTime(state, event.atMs, context);
    case 'clogged':
      return {
        state: { phase: 'closed' },
        effects: [{ type: 'close', code: CLOSE.tryLater, reason: 'reads too slowly' }],
      };
    case 'shutdown':
      return fail('SHUTTING_DOWN', 'the server is shutting down', CLOSE.restart);
    case 'gone':
      return { state: { phase: 'closed' }, effects: [] };
  }
}

type Active = Waiting | Greeting | Open;

function receive(state: Active, event: ServerEvent & { type: 'frame' }, context: ServerContext): ServerStep {
  const decoded = decodeDeviceMessage(event.text, context.limits);
  if (decoded.type === 'bad') return fail(decoded.code, decoded.reason, CLOSE_OF[decoded.code]);
  switch (state.phase) {
    case 'waiting':
      return greet(decoded.message, event.atMs);
    case 'greeting':
      return duringGreeting(state, decoded.message);
    case 'open':
      return converse({ ...state, heardMs: event.atMs }, decoded.message, event.nowMs, context);
  }
}

const CLOSE_OF: Readonly<Record<BadFrame['code'], number>> = {
  BAD_FRAME: CLOSE.badFrame,
  TOO_LARGE: CLOSE.tooLarge,
  UPGRADE_REQUIRED: CLOSE.upgradeRequired,
};

function greet(message: DeviceMessage, atMs: number): ServerStep {
  if (message.type !== 'hello') return fail('OUT_OF_ORDER', `${message.type} before hello`, CLOSE.unauthenticated);
  return { state: { phase: 'greeting', sinceMs: atMs, hello: message }, effects: [{ type: 'greet', hello: message }] };
}

function duringGreeting(state: Greeting, message: DeviceMessage): ServerStep {
  // A heartbeat may come while a slow check of the token is under way.
  return message.type === 'ping' ? stay(state) : outOfOrder(`${message.type} before welcome`);
}

function converse(state: Open, message: DeviceMessage, nowMs: number, context: ServerContext): ServerStep {
  switch (message.type) {
    case 'hello':
      return outOfOrder('a second hello');
    case 'push':
      if (state.isPushing) return outOfOrder('a push while another is not answered');
      return { state: { ...state, isPushing: true }, effects: [{ type: 'admit', push: message }] };
    case 'applied':
      return credit(state, message, context);
    case 'staged':
      return stagedPiece(state, message, context);
    case 'ping':
      return { state, effects: [{ type: 'send', message: { type: 'pong', serverTime: nowMs } }] };
  }
}

function welcome(state: Greeting, event: ServerEvent & { type: 'greeted' }, context: ServerContext): ServerStep {
  const { sid, founders, limits } = context;
  const { bootstrap } = event;
  const { frameBytes, changeBytes, changesPerPush, heartbeatMs } = limits;
  const message: ServerMessage = {
    type: 'welcome',
    protocol: PROTOCOL_VERSION,
    sid,
    cursor: event.head.cursor,
    known: event.known,
    serverTime: event.nowMs,
    founders,
    ...(bootstrap ? { bootstrap } : {}),
    limits: { frameBytes, changeBytes, changesPerPush, heartbeatMs },
  };
  const open: Open = {
    phase: 'open',
    heardMs: event.atMs,
    head: event.head,
    position: event.position,
    sent: bootstrap?.cursor ?? state.hello.cursor,
    isReading: false,
    inFlight: [],
    snapshot: bootstrap ? { id: bootstrap.id, pieces: bootstrap.pieces, next: bootstrap.from, inFlight: [] } : null,
    isPushing: false,
    own: new Map(),
  };
  return pump(open, [{ type: 'send', message }], context);
}

function acknowledge(state: Open, event: ServerEvent & { type: 'admitted' }, context: ServerContext): ServerStep {
  if (!state.isPushing) return stay(state);
  const message: ServerMessage = {
    type: 'pushed',
    known: event.known,
    ...(event.refused ? { refused: event.refused } : {}),
  };
  const own = withDots(state.own, event.accepted);
  const next = { ...state, isPushing: false, own, head: later(state.head, event.head) };
  return pump(next, [{ type: 'send', message }], context);
}

function credit(state: Open, message: Applied, context: ServerContext): ServerStep {
  if (!covers(state.sent, message.cursor)) return outOfOrder('applied names entries that were not sent');
  const inFlight = state.inFlight.filter((sent) => !covers(message.cursor, sent));
  return pump({ ...state, inFlight }, [], context);
}

function stagedPiece(state: Open, { id, piece }: Staged, context: ServerContext): ServerStep {
  const { snapshot } = state;
  if (snapshot?.id !== id || piece >= snapshot.next) return outOfOrder('staged names a piece that was not sent');
  const inFlight = snapshot.inFlight.filter((sent) => sent > piece);
  return pump({ ...state, snapshot: { ...snapshot, inFlight } }, [], context);
}

/** Asks for what comes next, of the snapshot and then of the log, when the receiver has credit for it. */
function pump(state: Open, effects: readonly ServerEffect[], { limits }: ServerContext): ServerStep {
  const { snapshot } = state;
  const onTheWay = state.inFlight.length + (snapshot?.inFlight.length ?? 0);
  if (state.isReading || onTheWay >= limits.pagesInFlight) return { state, effects };
  const reading = { ...state, isReading: true };
  if (snapshot && snapshot.next < snapshot.pieces) {
    return { state: reading, effects: [...effects, { type: 'read-piece', id: snapshot.id, piece: snapshot.next }] };
  }
  if (state.position >= state.head.lsn) return { state, effects };
  return { state: reading, effects: [...effects, { type: 'read', after: state.position }] };
}

function sendPiece(state: Open, message: Snapshot, context: ServerContext): ServerStep {
  const { snapshot } = state;
  if (!snapshot || message.id !== snapshot.id || message.piece !== snapshot.next) return stay(state);
  const sent = { ...snapshot, next: snapshot.next + 1, inFlight: [...snapshot.inFlight, message.piece] };
  return pump({ ...state, isReading: false, snapshot: sent }, [{ type: 'send', message }], context);
}

/** What the receiver has by another server is skipped. */
function sendPage(state: Open, read: ServerEvent & { type: 'read' }, context: ServerContext): ServerStep {
  const last = read.entries.at(-1);
  if (!state.isReading || last === undefined) return stay({ ...state, isReading: false });
  const sent: Record<Sid, number> = { ...state.sent };
  const chain: Record<Sid, string> = {};
  const entries: StoredEntry[] = [];
  for (const entry of read.entries) {
    const [sid, n] = entry.stamp;
    if (reaches(sent, entry.stamp)) continue;
    sent[sid] = n;
    if (entry.chain !== undefined) chain[sid] = entry.chain;
    const isHeld = entry.kind === 'change' && isOwn(state.own, entry.dot!) && !mayBeVoid(entry);
    entries.push(isHeld ? bareEntry(entry) : entry);
  }
  const moved = { ...state, isReading: false, position: last.lsn };
  if (entries.length === 0) return pump(moved, [], context);
  // A receiver that knows more than this server holds something else than the digest says.
  const isComparable = read.digest !== undefined && covers(state.head.cursor, sent);
  const place: PagePlace = {
    cursor: sent,
    head: join(state.head.cursor, sent),
    ...(Object.keys(chain).length === 0 ? {} : { chain }),
    ...(isComparable ? { digest: read.digest! } : {}),
  };
  const next: Open = { ...moved, sent, inFlight: [...state.inFlight, sent] };
  return pump(next, [{ type: 'send-page', entries, place }], context);
}

function later(a: LogHead, b: LogHead): LogHead {
  return b.lsn > a.lsn ? b : a;
}

function checkTime(state: Active, atMs: number, { limits }: ServerContext): ServerStep {
  switch (state.phase) {
    case 'waiting':
      return atMs - state.sinceMs >= limits.helloMs ? fail('TIMEOUT', 'no hello came', CLOSE.tooSlow) : stay(state);
    case 'greeting':
      return atMs - state.sinceMs >= limits.helloMs
        ? fail('TIMEOUT', 'the check of the hello took too long', CLOSE.tryLater)
        : stay(state);
    case 'open':
      return atMs - state.heardMs >= limits.silenceMs
        ? fail('TIMEOUT', 'nothing was heard for too long', CLOSE.tooSlow)
        : stay(state);
  }
}

function outOfOrder(message: string): ServerStep {
  return fail('OUT_OF_ORDER', message, CLOSE.outOfOrder);
}

function fail(code: ErrorCode, message: string, close: number): ServerStep {
  return {
    state: { phase: 'closed' },
    effects: [
      { type: 'send', message: { type: 'error', code, message } },
      { type: 'close', code: close, reason: code },
    ],
  };
}

function stay(state: ServerSession): ServerStep {
  return { state, effects: [] };
}

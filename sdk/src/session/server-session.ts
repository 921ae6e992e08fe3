/**
 * One connection as the server sees it: a state machine without socket, clock or storage.
 *
 * It promises: nothing is answered before a hello was accepted; a push is acknowledged only after the caller reported
 * it durable; pages follow the log from the receiver's cursor without a gap, and never more of them are on the way
 * than the receiver's credit allows, so that a slow reader costs a position and no memory.
 *
 * Every frame's fate is decided here; reading the log, checking rights and committing are effects, answered by events.
 */
import { countOf } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { bareEntry, decodeDeviceMessage, type BadFrame, type StoredEntry } from '../protocol/codec.ts';
import { CLOSE, PROTOCOL_VERSION } from '../protocol/messages.ts';
import type { Applied, DeviceMessage, ServerMessage } from '../protocol/messages.ts';
import { isOwn, withDots } from './own-dots.ts';
import type {
  Greeting,
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
        ? pump({ ...state, head: Math.max(state.head, event.head) }, [], context)
        : stay(state);
    case 'read':
      return state.phase === 'open' ? sendPage(state, event.entries, context) : stay(state);
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
    case 'ping':
      return { state, effects: [{ type: 'send', message: { type: 'pong', serverTime: nowMs } }] };
  }
}

function welcome(state: Greeting, event: ServerEvent & { type: 'greeted' }, context: ServerContext): ServerStep {
  const { sid, limits } = context;
  const { cursor } = state.hello;
  const position = countOf(cursor, sid);
  const stranger = Object.keys(cursor).find((other) => other !== sid && cursor[other]! > 0);
  if (stranger !== undefined) return replaced(`the cursor names server ${stranger}, this is ${sid}`);
  if (position > event.head) return replaced(`the cursor says ${position} entries, this server has ${event.head}`);
  const { frameBytes, changeBytes, changesPerPush, heartbeatMs } = limits;
  const message: ServerMessage = {
    type: 'welcome',
    protocol: PROTOCOL_VERSION,
    sid,
    cursor: { [sid]: event.head },
    known: event.known,
    serverTime: event.nowMs,
    limits: { frameBytes, changeBytes, changesPerPush, heartbeatMs },
  };
  const open: Open = {
    phase: 'open',
    heardMs: event.atMs,
    head: event.head,
    position,
    isReading: false,
    inFlight: [],
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
  const next = { ...state, isPushing: false, own, head: Math.max(state.head, event.head) };
  return pump(next, [{ type: 'send', message }], context);
}

function credit(state: Open, message: Applied, context: ServerContext): ServerStep {
  const applied = countOf(message.cursor, context.sid);
  if (applied > state.position) return outOfOrder(`applied ${applied}, sent were ${state.position}`);
  return pump({ ...state, inFlight: state.inFlight.filter((last) => last > applied) }, [], context);
}

/** Asks for the next piece of the log when there is one and the receiver has credit for it. */
function pump(state: Open, effects: readonly ServerEffect[], { limits }: ServerContext): ServerStep {
  const hasCredit = state.inFlight.length < limits.pagesInFlight;
  if (state.isReading || !hasCredit || state.position >= state.head) return { state, effects };
  return { state: { ...state, isReading: true }, effects: [...effects, { type: 'read', after: state.position }] };
}

function sendPage(state: Open, read: readonly StoredEntry[], context: ServerContext): ServerStep {
  const idle = { ...state, isReading: false };
  const last = read.at(-1)?.n;
  if (!state.isReading || last === undefined) return stay(idle);
  const entries = read.map((entry) => (isOwn(state.own, entry.dot) ? bareEntry(entry) : entry));
  const head = Math.max(state.head, last);
  const next = { ...idle, position: last, head, inFlight: [...state.inFlight, last] };
  const page: ServerEffect = {
    type: 'send-page',
    entries,
    cursor: { [context.sid]: last },
    head: { [context.sid]: head },
  };
  return pump(next, [page], context);
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

function replaced(message: string): ServerStep {
  return fail('SERVER_REPLACED', message, CLOSE.serverReplaced);
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

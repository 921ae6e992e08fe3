/**
 * Drives a device's session: does what its steps ask for and feeds back what came of it. Store, transport, clock and
 * luck are arguments, so that tests and the simulation run this very code.
 *
 * It promises: events are taken one at a time; calls of the store run one after the other, in the order they were asked
 * for, but for what the store knows of the outbox already; a transport that was closed is never heard again.
 */
import type { Random } from '../lib/random.ts';
import { decodeServerMessage, encodeMessage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { DeviceMessage } from '../protocol/messages.ts';
import type { Effect, LinkEffect, LinkEvent, SessionEvent } from '../session/events.ts';
import { step } from '../session/device-session.ts';
import { createSession, type Remembered, type SessionOptions, type SessionState } from '../session/state.ts';
import type { Problem, SyncNews, SyncState } from '../session/sync-state.ts';
import type { DeviceStore, SnapshotResult, TakeBackResult } from '../store/device-store.ts';
import type { Transport, TransportLink } from '../transport/transport.ts';
import type { Clock } from './clock.ts';
import { deadly, nameOfCall, type CallWatch } from './deadly-calls.ts';
import { storageProblemOf } from './problem.ts';
import { createStoreQueue, SNAPSHOT_CALL_MS, STORE_CALL_MS } from './store-queue.ts';
import { createTimers } from './timers.ts';

/** Rows whose visible content may have changed, by collection. The SDK's own stores may have changed as well. */
export type Touched = Readonly<Record<string, readonly string[]>>;

export interface EngineOptions {
  readonly url: string;
  readonly session: SessionOptions;
  readonly remembered?: Remembered;
  /** Called before the first use and again after it has failed. */
  openStore(): Promise<DeviceStore>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  onState(state: SyncState): void;
  onNews(news: SyncNews): void;
  onChanged(touched: Touched): void;
  /** The `ask` of a wake was answered by what was reported until now. */
  onAnswer(ask: string): void;
  /** Hears of every call of the store that may end this context, and names those that did. */
  readonly calls?: CallWatch;
}

/** What may be asked of a running engine from outside. */
export type EngineCommand = Extract<
  SessionEvent,
  { type: 'start' | 'pause' | 'resume' | 'wake' | 'local-write' | 'token-changed' }
>;

export interface Engine {
  send(command: EngineCommand): void;
  /** Closes the link; resolves when the store is at rest and closed. */
  stop(): Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { clock, random } = options;
  let state: SessionState = createSession(options.session, options.remembered);
  const timers = createTimers(clock, (timer) => dispatch({ type: 'timer-fired', timer }));
  const store = createStoreQueue(options.openStore, clock);
  let link: TransportLink | null = null;
  const events: SessionEvent[] = [];
  let isBusy = false;

  /** Effects may bring events at once; those wait until the step that caused them is done. */
  function dispatch(event: SessionEvent): void {
    events.push(event);
    if (isBusy) return;
    isBusy = true;
    try {
      for (let next = events.shift(); next !== undefined; next = events.shift()) take(next);
    } finally {
      isBusy = false;
    }
  }

  function take(event: SessionEvent): void {
    const next = step(state, event, { nowMs: clock.nowMs(), fraction: random.fraction() });
    state = next.state;
    next.effects.forEach(perform);
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'set-timer':
        return timers.set(effect.timer, effect.afterMs);
      case 'clear-timer':
        return timers.clear(effect.timer);
      case 'report':
        return options.onState(effect.state);
      case 'announce':
        return options.onNews(effect.news);
      case 'answer':
        return options.onAnswer(effect.ask);
      case 'open-transport':
        return openTransport(effect.connection);
      case 'close-transport':
        return closeTransport();
      case 'send':
        return link?.send(encodeMessage(offering(effect.message, link)));
      case 'load-identity':
        return useStore(effect, async (opened) => ({
          type: 'identity-loaded',
          identity: await opened.readIdentity(),
        }));
      case 'load-outbox': {
        const known = store.current?.peekOutbox?.(effect.after, effect.max);
        if (known) return dispatch({ type: 'outbox-loaded', connection: effect.connection, items: known });
        return useStore(effect, async (opened) => ({
          type: 'outbox-loaded',
          items: await opened.readOutbox(effect.after, effect.max),
        }));
      }
      case 'ingest':
        return useStore(effect, async (opened) => {
          const result = await opened.ingest(effect.page, effect.founders);
          tellChanged(result);
          return { type: 'page-ingested', page: effect.page, result };
        });
      case 'ingest-snapshot':
        return useStore(
          effect,
          async (opened) => {
            const result = await opened.ingestSnapshot(effect.bootstrap, effect.piece);
            tellChanged(result);
            return { type: 'snapshot-ingested', result };
          },
          SNAPSHOT_CALL_MS,
        );
      case 'note-server-time':
        return noteServerTime(effect.connection, effect.serverNowMs);
      case 'recover':
        return useStore(effect, async (opened) => takenBack(effect, await opened.recover(effect.dot, effect.record)));
      case 'reject':
        return useStore(effect, async (opened) => takenBack(effect, await opened.reject(effect.dot, effect.error)));
      case 'inspect':
        return useStore(effect, async (opened) => ({
          type: 'inspected',
          result: await opened.inspect(effect.inspection),
        }));
      case 'correct-clock':
        return useStore(effect, async (opened) => {
          const corrected = await opened.correctClock(effect.after, effect.serverNowMs);
          options.onChanged({});
          return { type: 'clock-corrected', ...corrected };
        });
    }
  }

  function tellChanged(result: SnapshotResult): void {
    if (result.type === 'ingested') options.onChanged(result.touched);
  }

  function takenBack(
    { dot, error }: Extract<LinkEffect, { type: 'recover' | 'reject' }>,
    result: TakeBackResult,
  ): LinkEvent {
    if (result.type === 'taken-back') options.onChanged(result.touched);
    return { type: 'taken-back', dot, error, result };
  }

  function useStore(
    effect: LinkEffect & { readonly connection: number },
    use: (opened: DeviceStore) => Promise<LinkEvent>,
    limitMs = STORE_CALL_MS,
  ): void {
    const { connection } = effect;
    const call = options.calls ? nameOfCall(effect) : null;
    if (call !== null && options.calls?.refused.includes(call)) return refuse(effect, deadly(call));
    store
      .use(call === null ? use : (opened) => told(call, () => use(opened)), limitMs)
      .catch((error: unknown): LinkEvent => ({ type: 'store-failed', problem: storageProblemOf(error) }))
      .then((event) => dispatch({ ...event, connection }))
      .catch(crash);
  }

  /** Pulling can stop alone; without the others nothing goes on. */
  function refuse({ type, connection }: LinkEffect & { readonly connection: number }, problem: Problem): void {
    dispatch({ type: type === 'ingest' ? 'page-refused' : 'store-failed', connection, problem });
  }

  async function told(call: string, use: () => Promise<LinkEvent>): Promise<LinkEvent> {
    options.calls?.tell(call);
    try {
      return await use();
    } finally {
      options.calls?.tell(null);
    }
  }

  function noteServerTime(connection: number, serverNowMs: number): void {
    store
      .use((opened) => opened.noteServerTime(serverNowMs))
      .catch((error: unknown) => dispatch({ type: 'store-failed', connection, problem: storageProblemOf(error) }))
      .catch(crash);
  }

  function openTransport(connection: number): void {
    closeTransport();
    const tell = (event: LinkEvent): void => dispatch({ ...event, connection });
    link = options.transport.connect(options.url, {
      opened: (via) => {
        if (via !== undefined) options.onNews({ type: 'transport', at: clock.nowMs(), transport: via });
        tell({ type: 'transport-opened' });
      },
      frame: (text) => tell(hear(text)),
      closed: (code, reason) => tell({ type: 'transport-closed', code, reason }),
    });
  }

  function hear(text: string): LinkEvent {
    const event = decode(text);
    if (event.type === 'frame-received' && event.message.type === 'welcome' && event.message.deflate) link?.deflate?.();
    return event;
  }

  function closeTransport(): void {
    link?.close();
    link = null;
  }

  return {
    send: dispatch,
    stop() {
      dispatch({ type: 'stop' });
      return store.close();
    },
  };
}

/** Whether frames may come deflated is the link's affair, and told with the first frame. */
function offering(message: DeviceMessage, { canDeflate = false }: TransportLink): DeviceMessage {
  return message.type === 'hello' && canDeflate ? { ...message, deflate: true } : message;
}

function decode(text: string): LinkEvent {
  const decoded = decodeServerMessage(text, DEFAULT_LIMITS);
  if (decoded.type === 'ok') return { type: 'frame-received', message: decoded.message };
  return { type: 'frame-refused', problem: { code: decoded.code, message: decoded.reason } };
}

/** A broken invariant of ours: uncaught, so that the page hears of it and starts a new worker. */
function crash(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

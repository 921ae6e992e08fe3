/**
 * The syncing side of one context, in a worker or beside the page. One host of a device leads and drives the engine; all
 * hosts hear what it reports and pass on what their page wants.
 *
 * It promises: every page hears every change of state and every changed row, whichever tab syncs; pause holds for the
 * device until resume, also when the syncing tab goes.
 */
import type { Random } from '../lib/random.ts';
import { INITIAL_SYNC_STATE, type SyncNews, type SyncState } from '../session/sync-state.ts';
import { SESSION_TIMES } from '../session/state.ts';
import type { DeviceStore } from '../store/device-store.ts';
import { createFence, type Fence } from '../store/fence.ts';
import type { Lease } from '../store/lease.ts';
import type { Transport } from '../transport/transport.ts';
import { openTabChannel, type TabChannel } from './channel.ts';
import type { Clock } from './clock.ts';
import { createEngine, type Engine } from './engine.ts';
import type { CallReport, HostReport, TabMessage, TabRequest } from './host-messages.ts';
import { seekLeadership, type Leadership } from './leader.ts';

/** What a page says to its host: plain data. */
export interface HostConfig<StoreOptions> {
  readonly name: string;
  /** ws: or wss:, resolved by the page. */
  readonly url: string;
  readonly space: string;
  readonly token: string | null;
  readonly paused: boolean;
  /** Earlier hosts of this page have ended: what is not to be tried again. */
  readonly deadly?: readonly string[];
  readonly store: StoreOptions;
}

/** Everything with a disk, a socket, a clock or luck. */
export interface HostEnvironment<StoreOptions> {
  openStore(options: StoreOptions, fence: Fence): Promise<DeviceStore>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  readonly locks: Pick<LockManager, 'request'> | undefined;
  /** Who leads where there are no locks; without either, whoever is asked. */
  readonly openLease?: (options: StoreOptions) => Lease;
}

/** What a page may call. Reports come over the port, because a callback through a proxy can be collected and hang. */
export interface SyncHost<StoreOptions> {
  start(config: HostConfig<StoreOptions>, port: MessagePort): void;
  /** Something was written in this tab. */
  localWrite(): void;
  /** Try at once; the answer comes over the port. */
  now(ask?: string): void;
  pause(): void;
  resume(): void;
  setToken(token: string): void;
  /** This context is about to be frozen: it gives way to another one, and holds nothing that others wait for. */
  suspend(): void;
  /** It goes on. */
  awake(): void;
  /** Resolves when nothing of this host touches the database any more. */
  stop(): Promise<void>;
}

export function createHost<StoreOptions>(environment: HostEnvironment<StoreOptions>): SyncHost<StoreOptions> {
  let running: RunningHost | null = null;
  return {
    start(config, port) {
      running ??= runHost(environment, config, port);
    },
    localWrite: () => running?.request({ type: 'local-write' }),
    now: (ask) => running?.request(ask === undefined ? { type: 'wake' } : { type: 'wake', ask }),
    pause: () => running?.request({ type: 'pause' }),
    resume: () => running?.request({ type: 'resume' }),
    setToken: (token) => running?.setToken(token),
    suspend: () => running?.suspend(),
    awake: () => running?.awake(),
    stop: async () => running?.stop(),
  };
}

/** What a page can want of the device. */
type PageRequest = Exclude<TabRequest, { type: 'ask' | 'leading' | 'who-leads' | 'beat' | 'token' }>;

/** What only a context that leads sends: hearing it is a sign of life. */
const LEADER_SAYS: ReadonlySet<TabMessage['type']> = new Set(['state', 'changed', 'news', 'answer', 'leading', 'beat']);

interface RunningHost {
  request(request: PageRequest): void;
  setToken(token: string): void;
  suspend(): void;
  awake(): void;
  stop(): Promise<void>;
}

function runHost<StoreOptions>(
  environment: HostEnvironment<StoreOptions>,
  config: HostConfig<StoreOptions>,
  port: MessagePort,
): RunningHost {
  let engine: Engine | null = null;
  let { token } = config;
  let isPaused = config.paused;
  let state: SyncState = { ...INITIAL_SYNC_STATE, connection: isPaused ? 'paused' : 'connecting' };
  /** Questions of this page that nobody has answered: the leader may be gone, or not be there yet. */
  const asks = new Set<string>();
  const channel: TabChannel = openTabChannel(config.name, hear);
  let isSuspended = false;
  let leadership: Leadership = seek();
  tellPage({ type: 'state', state });
  channel.post({ type: 'ask' });

  function seek(): Leadership {
    return seekLeadership({
      name: config.name,
      clock: environment.clock,
      locks: environment.locks,
      lease: environment.openLease?.(config.store),
      challenge: channel.isAlone ? null : () => channel.post({ type: 'who-leads' }),
      onLead: lead,
      onLost: step,
    });
  }

  function lead(): void {
    const { url, space, store } = config;
    // What this leadership may write ends with it, whatever still runs of it then.
    const fence = createFence(() => engine === started && leadership.stepBack());
    const started = createEngine({
      ...environment,
      url,
      session: { space, token, ...SESSION_TIMES },
      remembered: state,
      openStore: () => environment.openStore(store, fence),
      onState: (next) => report({ type: 'state', state: next }),
      onNews: (news) => report({ type: 'news', news }),
      onChanged: (touched) => report({ type: 'changed', touched }),
      onAnswer: (ask) => report({ type: 'answer', ask }),
      ...(config.deadly ? { calls: { refused: config.deadly, tell: tellCall } } : {}),
    });
    engine = started;
    tellPage({ type: 'news', news: leaderNews(true) });
    started.send({ type: 'start', paused: isPaused });
    for (const ask of asks) started.send({ type: 'wake', ask });
    channel.post({ type: 'leading' });
  }

  /** Steps back: somebody else leads now. */
  function step(): void {
    void engine?.stop();
    engine = null;
    tellPage({ type: 'news', news: leaderNews(false) });
  }

  function leaderNews(here: boolean): SyncNews {
    return { type: 'leader', at: environment.clock.nowMs(), here };
  }

  /** From our engine to every page of this device. */
  function report(message: HostReport): void {
    tellPage(message);
    channel.post(message);
  }

  function tellCall(call: string | null): void {
    port.postMessage({ type: 'calling', call } satisfies CallReport);
  }

  function tellPage(message: HostReport): void {
    if (message.type === 'state') ({ state } = message);
    if (message.type === 'answer') asks.delete(message.ask);
    port.postMessage(message);
  }

  function hear(message: TabMessage): void {
    if (LEADER_SAYS.has(message.type)) leadership.heard();
    switch (message.type) {
      case 'state':
        // Two leaders are possible for a moment; each believes itself.
        if (engine !== null) return;
        isPaused = message.state.connection === 'paused';
        return tellPage(message);
      case 'changed':
      case 'news':
      case 'answer':
        return tellPage(message);
      case 'ask':
        if (engine !== null) channel.post({ type: 'state', state });
        return;
      case 'who-leads':
        if (engine !== null) channel.post({ type: 'beat' });
        return;
      case 'beat':
        return;
      case 'token':
        return takeToken(message.token);
      case 'leading':
        for (const ask of asks) channel.post({ type: 'wake', ask });
        return;
      case 'local-write':
      case 'wake':
      case 'pause':
      case 'resume':
        return obey(message);
    }
  }

  function takeToken(next: string): void {
    token = next;
    engine?.send({ type: 'token-changed', token: next });
  }

  function obey(request: PageRequest): void {
    if (request.type === 'pause' || request.type === 'resume') isPaused = request.type === 'pause';
    engine?.send(request);
  }

  return {
    request(request) {
      if (request.type === 'wake' && request.ask !== undefined) asks.add(request.ask);
      obey(request);
      channel.post(request);
    },
    setToken(next) {
      takeToken(next);
      channel.post({ type: 'token', token: next });
    },
    suspend() {
      if (isSuspended) return;
      isSuspended = true;
      if (engine !== null) step();
      leadership.resign();
    },
    awake() {
      if (!isSuspended) return;
      isSuspended = false;
      leadership = seek();
      channel.post({ type: 'ask' });
    },
    async stop() {
      channel.close();
      const stopping = engine?.stop();
      engine = null;
      // The lock goes last: the next leader finds the store at rest.
      await stopping;
      leadership.resign();
      port.close();
    },
  };
}

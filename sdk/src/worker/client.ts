/**
 * A page's link to syncing, once it is loaded (`link.ts`). It starts the host, passes on what the page wants, hands out
 * what the host reports, and starts a new host when one fails.
 *
 * It promises: nothing it does is needed for a write to be saved or sent some day; no call hangs, close() least of all.
 */
import { randomName } from '../lib/ids.ts';
import { BACKOFF, backoffMs } from '../session/backoff.ts';
import { INITIAL_SYNC_STATE, type SyncState } from '../session/sync-state.ts';
import { platformRandom } from '../store/platform-random.ts';
import { createAsks } from './asks.ts';
import { platformClock } from './clock.ts';
import type { Touched } from './engine.ts';
import { createDeadlyCalls } from './deadly-calls.ts';
import { createHints } from './hints.ts';
import { openHost, type HostCalls, type HostHandle } from './host-handle.ts';
import type { HostReport } from './host-messages.ts';
import { serverOf, type SyncLink, type SyncLinkOptions } from './link.ts';
import { onFreeze, onReturn } from './page-events.ts';
import { messageOf } from './problem.ts';
import { spawnWorker } from './spawn-worker.ts';
import { createTokenKeeper } from './token.ts';

export type { SyncLink, SyncLinkOptions, Touched };

const ANSWER_MS = 15_000;
const STOP_MS = 2_000;
/** A host that ran for this long was healthy. */
const HEALTHY_MS = 60_000;

/** Throws INVALID_OPTION when the address cannot be used. */
export function connectSync(options: SyncLinkOptions): SyncLink {
  const { sync, logger } = options;
  const url = serverOf(sync);
  const asks = createAsks(ANSWER_MS);
  const hint = createHints(() => use('A hint', (calls) => calls.localWrite()));
  let isPaused = sync.paused ?? false;
  let host: HostHandle | null = null;
  let startedAt = 0;
  let crashes = 0;
  let relaunch: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  const deadlyCalls = createDeadlyCalls();

  const tokens = createTokenKeeper({
    source: sync.token,
    clock: options.test?.clock ?? platformClock,
    fraction: platformRandom.fraction,
    onToken: (token) => void use('A new token', (calls) => calls.setToken(token)),
    onProblem(problem, state, cause) {
      logger?.error(problem.message, cause);
      if (state === null) return;
      options.onState(state);
      tellConnection(state);
    },
  });

  const stopListening = onReturn(() => void use('A hint', (calls) => calls.now()));
  // Nobody waits for the answer: frozen, it would seem not to come.
  const stopResting = onFreeze(
    () => void host?.call('Resting', (calls) => calls.suspend()).catch(() => undefined),
    () => void use('Going on', (calls) => calls.awake()),
  );
  if (typeof sync.token === 'function') void tokens.start().then(launch);
  else launch();

  function launch(): void {
    clearTimeout(relaunch);
    relaunch = undefined;
    if (isClosed || host !== null) return;
    startedAt = performance.now();
    try {
      const opened = openHost({
        worker: workerOf(options),
        ...(options.test ? { test: options.test } : {}),
        merges: options.merges ?? {},
        onReport: receive,
        onCalling: deadlyCalls.calling,
        onCrash: (error) => crashed(opened, error),
      });
      host = opened;
      opened.start(config()).catch((error: unknown) => crashed(opened, error));
    } catch (error) {
      // The factory of the app, or a policy of the page, refuses a worker.
      crashed(null, error);
    }
  }

  function config(): Parameters<HostHandle['start']>[0] {
    const { name, collections } = options;
    const { isWatching, refused } = deadlyCalls;
    return {
      name,
      url,
      space: sync.space ?? 'default',
      token: tokens.token,
      paused: isPaused,
      ...(isWatching ? { deadly: refused } : {}),
      store: { name, collections },
    };
  }

  /** The host is replaced after a while; what was written meanwhile waits in the outbox. */
  function crashed(which: HostHandle | null, error: unknown): void {
    if (isClosed || which !== host) return;
    host?.dispose();
    host = null;
    deadlyCalls.hostEnded();
    crashes = performance.now() - startedAt > HEALTHY_MS ? 1 : crashes + 1;
    const afterMs = backoffMs(crashes, BACKOFF.longestMs, platformRandom.fraction());
    relaunch = setTimeout(launch, afterMs);
    logger?.error('Syncing has failed and is started again.', error);
    const state = crashState(error, Date.now() + afterMs);
    receive({ type: 'state', state });
    tellConnection(state);
    asks.answerAll();
  }

  function receive(report: HostReport): void {
    if (isClosed) return;
    switch (report.type) {
      case 'state':
        noteConnection(report.state.connection);
        return options.onState(tokens.hear(report.state));
      case 'changed':
        return options.onChanged(report.touched);
      case 'news':
        if (report.news.type === 'leader') tokens.leads(report.news.here);
        return options.onEvent(report.news);
      case 'answer':
        return asks.answer(report.ask);
    }
  }

  function noteConnection(connection: SyncState['connection']): void {
    if (connection !== 'stalled') isPaused = connection === 'paused';
  }

  function tellConnection({ connection, reason }: SyncState): void {
    options.onEvent({ type: 'connection', at: Date.now(), connection, reason });
  }

  /** A call that fails or takes too long means a host that does not work. */
  async function use(what: string, run: (calls: HostCalls) => Promise<void>): Promise<void> {
    const current = host;
    await current?.call(what, run).catch((error: unknown) => crashed(current, error));
  }

  return {
    token: (refused) => (isClosed ? Promise.resolve(null) : tokens.get(refused)),
    localWrite() {
      if (host !== null) hint();
    },
    async now() {
      if (isClosed) return;
      if (relaunch !== undefined) launch();
      const ask = randomName(64, platformRandom);
      const answered = asks.wait(ask);
      void use('sync.now()', (calls) => calls.now(ask));
      await answered;
    },
    pause() {
      isPaused = true;
      void use('sync.pause()', (calls) => calls.pause());
    },
    resume() {
      isPaused = false;
      void use('sync.resume()', (calls) => calls.resume());
    },
    async close() {
      isClosed = true;
      clearTimeout(relaunch);
      stopListening();
      stopResting();
      tokens.stop();
      asks.answerAll();
      const last = host;
      host = null;
      // A host that does not answer is ended all the same: the database bears it at any moment.
      await last
        ?.call('Stopping', (calls) => calls.stop(), STOP_MS)
        .catch((error: unknown) => {
          logger?.error('The host did not stop by itself.', error);
        });
      last?.dispose();
    },
  };
}

function workerOf({ worker, merges, test }: SyncLinkOptions): (() => Worker) | false {
  if (test) return false;
  if (worker !== undefined) return worker;
  // Functions cannot travel to the packaged worker, and without them it would ask about everything.
  if (merges && Object.keys(merges).length > 0) return false;
  return typeof Worker === 'undefined' ? false : spawnWorker;
}

function crashState(error: unknown, nextAttemptAt: number): SyncState {
  const reason = { code: 'INTERNAL', message: messageOf(error) } as const;
  return { ...INITIAL_SYNC_STATE, connection: 'stalled', reason, nextAttemptAt };
}

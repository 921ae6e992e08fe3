/**
 * A host as its page holds it: in a worker through comlink, or in this context. Calls have a time limit, and everything
 * that belongs to the host ends with dispose().
 */
import { releaseProxy, transfer, wrap, type Remote } from 'comlink';

import type { MergeFunctions } from '../policies/merge.ts';
import type { BrowserHost, BrowserHostConfig, TestEnvironment } from './browser-host.ts';
import { isCallReport, isHostReport, type HostReport } from './host-messages.ts';
import { withTimeLimit } from './time-limit.ts';

export interface HostHandle {
  start(config: BrowserHostConfig): Promise<void>;
  call(what: string, use: (host: HostCalls) => Promise<void>, limitMs?: number): Promise<void>;
  /** Ends the worker, whatever it is doing, and everything that holds it. */
  dispose(): void;
}

export interface HandleOptions {
  readonly worker: (() => Worker) | false;
  /** For a host in this context; a worker has its own. */
  readonly merges: MergeFunctions;
  /** For a host in this context. */
  readonly test?: TestEnvironment;
  onReport(report: HostReport): void;
  /** What it does with the store, when it was started to tell. */
  onCalling(call: string | null): void;
  /** Something in the host failed that never should; it may not work any more. */
  onCrash(error: unknown): void;
}

export type HostCalls = {
  readonly [K in keyof BrowserHost]: (...args: Parameters<BrowserHost[K]>) => Promise<void>;
};

/** A worker may be compiled by a development server at this very moment. */
const START_MS = 30_000;
const CALL_MS = 10_000;

export function openHost(options: HandleOptions): HostHandle {
  return options.worker === false ? openHere(options) : openInWorker(options.worker, options);
}

function openInWorker(create: () => Worker, options: HandleOptions): HostHandle {
  const worker = create();
  // Held by the closures below as long as the handle lives: comlink hangs when a proxy is collected during a call.
  const remote: Remote<BrowserHost> = wrap<BrowserHost>(worker);
  const crashed = (event: ErrorEvent | Event): void => {
    const message = 'message' in event && event.message !== '' ? event.message : 'The worker could not be loaded.';
    options.onCrash(new Error(message));
  };
  worker.addEventListener('error', crashed);
  const report = openReports(options);
  return {
    start: (config) =>
      limited('Starting the worker', START_MS, remote.start(config, transfer(report.far, [report.far]))),
    call: (what, use, limitMs = CALL_MS) => limited(what, limitMs, use(remote as unknown as HostCalls)),
    dispose() {
      worker.removeEventListener('error', crashed);
      report.close();
      remote[releaseProxy]();
      worker.terminate();
    },
  };
}

/** The same host in this context, loaded only then. */
function openHere(options: HandleOptions): HostHandle {
  const loading = import('./browser-host.ts').then(({ createBrowserHost }) =>
    createBrowserHost(options.merges, options.test),
  );
  const report = openReports(options);
  let isOver = false;
  const use = async (run: (host: HostCalls) => Promise<void>): Promise<void> => {
    const host = await loading;
    if (!isOver) await run(asCalls(host));
  };
  return {
    start: (config) =>
      limited(
        'Starting to sync',
        START_MS,
        use((host) => host.start(config, report.far)),
      ),
    call: (what, run, limitMs = CALL_MS) => limited(what, limitMs, use(run)),
    dispose() {
      isOver = true;
      report.close();
      void loading.then((host) => host.stop()).catch(() => undefined);
    },
  };
}

function limited(what: string, ms: number, call: Promise<void>): Promise<void> {
  return withTimeLimit(ms, what, call);
}

/** One port for all reports, because every callback through comlink would open one of its own. */
function openReports(options: HandleOptions): { readonly far: MessagePort; close(): void } {
  const { port1: near, port2: far } = new MessageChannel();
  near.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isHostReport(data)) options.onReport(data);
    else if (isCallReport(data)) options.onCalling(data.call);
  });
  near.start();
  return { far, close: () => near.close() };
}

function asCalls(host: BrowserHost): HostCalls {
  return {
    start: async (config, port) => host.start(config, port),
    localWrite: async () => host.localWrite(),
    now: async (ask) => host.now(ask),
    pause: async () => host.pause(),
    resume: async () => host.resume(),
    setToken: async (token) => host.setToken(token),
    suspend: async () => host.suspend(),
    awake: async () => host.awake(),
    stop: async () => host.stop(),
  };
}

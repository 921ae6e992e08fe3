/**
 * Opens a database: checks what it is given, opens the local store, reads the first values of every state, and starts
 * to sync without waiting for the network. Everything that runs in the page hangs on the handle and ends with it.
 */
import { hasFunctions } from '../constraints/check-constraints.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import { SkerryError } from '../lib/errors.ts';
import { openLocalDatabase } from '../store/database.ts';
import type { LocalDatabase, LocalDatabaseOptions, LocalWrite } from '../store/local-database.ts';
import {
  INITIAL_SYNC_STATE,
  openLink,
  type SyncLink,
  type SyncLinkOptions,
  type TestEnvironment,
  type Touched,
} from '../worker/link.ts';
import { createAccessLoss, type AccessLoss } from './access-loss.ts';
import { openCollection } from './collection.ts';
import { createDebug } from './debug.ts';
import { convertersOf, planCollections, validatorsOf, type LocalPlan } from './definition.ts';
import { eventOfNews, eventsOfWrite, isProblem } from './events.ts';
import { asSkerryError } from './failure.ts';
import type { ForeignRowsOptions } from './foreign-rows.ts';
import { withUnknownCollections } from './handle.ts';
import { restWhileFrozen } from './frozen.ts';
import { openHotStates, type HotStates } from './hot-states.ts';
import { createLifetime, type Lifetime } from './lifetime.ts';
import { createLiveQueries } from './live.ts';
import { mergesOf } from './merges.ts';
import { checkOpenOptions } from './open-options.ts';
import type { Place } from './place.ts';
import { createProblemReport } from './problems.ts';
import { createStorageMonitor, type StorageMonitor } from './storage-health.ts';
import { storageMark } from './storage-mark.ts';
import { RecordedEvents } from './recorded-events.ts';
import { createReceipts, type Receipts } from './receipts.ts';
import { createScanWarnings, type OnScan } from './scan-warnings.ts';
import { createSpaces } from './spaces.ts';
import { createSyncControl } from './sync-control.ts';
import { runTransaction } from './transaction.ts';
import type { Collections, Db, DbHandle, OpenOptions, SyncOptions } from './types.ts';
import { ownTransactions } from './write-scope.ts';

/** The app's first rows come before what the browser tells of its storage. */
const LOOK_AFTER_MS = 100;

/**
 * Resolves when rows can be read and written and every state has its value; the network is not waited for.
 *
 * Throws INVALID_OPTION, INVALID_SCHEMA, ABORTED, QUOTA, STORAGE_FAILED.
 */
export function open<const C extends Collections>(options: OpenOptions<C>): Promise<Db<C>> {
  return openWith(options);
}

/** As open(), where a test puts its own clock, wire and luck in the place of the platform's. */
export async function openWith<const C extends Collections>(
  options: OpenOptions<C>,
  test?: TestEnvironment,
): Promise<Db<C>> {
  checkOpenOptions(options);
  const plans = planCollections(options.collections);
  const merges = mergesOf(options.collections);
  const validators = validatorsOf(options.collections);
  checkWorker(options.worker, plans);
  checkBackground(options.sync, plans);
  const lifetime = createLifetime();
  const events = new RecordedEvents();
  let link: SyncLink | null = null;
  let states: HotStates | null = null;
  let receipts: Receipts | null = null;
  const report = createProblemReport(events, options.logger);
  const manager = browserStorage();
  const storage = createStorageMonitor({
    lifetime,
    events,
    logger: options.logger,
    manager,
    lookAfterMs: LOOK_AFTER_MS,
  });
  const mark = storageMark(options.name);
  const onLocalWrite = (write: LocalWrite): void => {
    link?.localWrite();
    states?.noteWritten(write);
    storage.noteSaved();
    for (const event of eventsOfWrite(write, Date.now())) events.next(event);
  };

  const onProblem = (problem: PolicyProblem): void => report(problem, Date.now());
  const local = await openLocal(options, {
    collections: plans,
    merges,
    validators,
    converters: convertersOf(options.collections),
    onLocalWrite,
    onProblem,
    onStorage: (news) => {
      if (news.type === 'storage-reset') {
        states?.noteReset();
        receipts?.noteLost(news.lostDots);
      }
      storage.note(news);
      // What was put back, or saved without a word, is to be sent; whoever syncs may know nothing of it.
      if (news.type === 'storage-reset' || news.type === 'storage-back') link?.localWrite();
    },
    onFailure: storage.noteFailed,
    ...(test ? { nowMs: test.clock.nowMs } : {}),
  }).catch((error: unknown) => {
    lifetime.close();
    throw error;
  });
  // Its data went while it was closed; what was unsent went with it, if there was anything.
  if (local.isMadeNow && mark.isSet) storage.note({ type: 'storage-reset', kept: 0, lost: null, lostDots: [] });
  mark.set();
  lifetime.onClose(() => events.complete());
  lifetime.onClose(restWhileFrozen(local));
  const followed = createReceipts({ local, lifetime, isSynced: options.sync !== undefined, logger: options.logger });
  receipts = followed;
  const place: Place = { local, lifetime, receipts: followed };
  try {
    const access = createAccessLoss({
      // Who does not sync asks nobody for access.
      policy: options.sync ? (options.sync.onAccessLost ?? 'seal') : 'keep',
      local,
      lifetime,
      logger: options.logger,
      tell: (event) => events.next(event),
    });
    states = await openHotStates({
      place,
      access,
      link: options.sync ? { ...INITIAL_SYNC_STATE, connection: options.sync.paused ? 'paused' : 'connecting' } : null,
      logger: options.logger,
    });
    assertNotAborted(options.signal);
    const lookAt = lookAtForeignRows({
      local,
      lifetime,
      validators,
      logger: options.logger,
      tell: (event) => events.next(event),
    });
    link = startSync(options, {
      collections: plans,
      merges,
      ...(test ? { test } : {}),
      onState: (state) => {
        states!.setLink(state);
        access.hear(state);
        storage.noteLink(state);
      },
      onChanged: (touched) => {
        local.announceRemoteChanges(touched);
        lookAt(touched);
      },
      onEvent: (news) => {
        if (news.type === 'pushed') followed.noteSent(news.through ?? null);
        if (news.type === 'refused') followed.noteSent(null);
        if (isProblem(news)) report(news, news.at);
        else events.next(eventOfNews(news));
      },
    });
    if (options.sync?.background === true) {
      const { name, sync, logger } = options;
      const { status$ } = states;
      const settings = { name, sync, local, lifetime, status$, events$: events, logger };
      import('./background-sync.ts')
        .then(({ followInBackground }) => {
          if (!lifetime.isClosed) followInBackground({ ...settings, collections: plans, merges: Object.keys(merges) });
        })
        .catch((error: unknown) => logger?.error('Background Sync cannot be loaded.', error));
    }
    const onScan = createScanWarnings(options.logger, options.warnOnScan);
    return createHandle<C>({ place, states, events, link, onScan, storage, plans, sync: options.sync, access });
  } catch (error) {
    lifetime.close();
    local.close();
    // Aborted as it opened, it is closed by then.
    assertNotAborted(options.signal);
    throw asSkerryError(error);
  }
}

/** Loaded by apps that have schemas of rows: what came before that is looked at then. */
function lookAtForeignRows(parts: ForeignRowsOptions): (touched: Touched) => void {
  if (parts.validators.size === 0) return () => undefined;
  const loading = import('./foreign-rows.ts').then(({ createForeignRows }) => createForeignRows(parts));
  loading.catch((error: unknown) => parts.logger?.error('Rows from elsewhere are not checked.', error));
  return (touched) =>
    void loading.then(
      (lookAt) => lookAt(touched),
      () => undefined,
    );
}

async function openLocal<C extends Collections>(
  { name, user, device, durability = 'strict', signal }: OpenOptions<C>,
  parts: Pick<
    LocalDatabaseOptions,
    | 'collections'
    | 'merges'
    | 'validators'
    | 'converters'
    | 'onLocalWrite'
    | 'onProblem'
    | 'onStorage'
    | 'onFailure'
    | 'nowMs'
  >,
): Promise<LocalDatabase> {
  assertNotAborted(signal);
  const opening = openLocalDatabase({
    ...parts,
    name,
    durability,
    ...(user ? { user } : {}),
    ...(device?.name === undefined ? {} : { deviceName: device.name }),
  });
  try {
    return await (signal ? givenUpBy(signal, opening) : opening);
  } catch (error) {
    throw asSkerryError(error);
  }
}

/** Another tab can hold an opening up for long; the caller need not wait for it. */
function givenUpBy(signal: AbortSignal, opening: Promise<LocalDatabase>): Promise<LocalDatabase> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(aborted(signal));
      opening.then((local) => local.close()).catch(() => {});
    };
    signal.addEventListener('abort', abort, { once: true });
    opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function startSync<C extends Collections>(
  { name, sync, worker, logger }: OpenOptions<C>,
  parts: Pick<SyncLinkOptions, 'collections' | 'merges' | 'test' | 'onState' | 'onChanged' | 'onEvent'>,
): SyncLink | null {
  if (!sync) return null;
  return openLink({
    ...parts,
    name,
    sync,
    ...(parts.collections.some(hasFunctions) ? { worker: false } : worker === undefined ? {} : { worker }),
    ...(logger ? { logger } : {}),
  });
}

/** Functions cannot go to a worker: with one of them, syncing runs in the page. */
function checkWorker(worker: unknown, plans: readonly LocalPlan[]): void {
  const plan = worker ? plans.find(hasFunctions) : undefined;
  if (plan)
    throw new SkerryError(
      'INVALID_OPTION',
      `open(): ${plan.migrate ? 'migrate()' : 'a constraint'} of ${plan.name} is a function, which cannot go to a worker; leave worker out, and syncing runs in the page.`,
    );
}

/** Throws INVALID_OPTION for collections with functions, which a service worker cannot be given. */
function checkBackground(sync: SyncOptions | undefined, collections: readonly LocalPlan[]): void {
  const plan = sync?.background === true ? collections.find(hasFunctions) : undefined;
  if (plan)
    throw new SkerryError(
      'INVALID_OPTION',
      `open(): a constraint of ${plan.name} has a function, which a service worker cannot be given; leave sync.background out.`,
    );
}

interface HandleParts {
  readonly place: Place;
  readonly states: HotStates;
  readonly events: RecordedEvents;
  readonly link: SyncLink | null;
  readonly onScan: OnScan;
  readonly storage: StorageMonitor;
  readonly plans: readonly LocalPlan[];
  readonly sync: SyncOptions | undefined;
  readonly access: AccessLoss;
}

function createHandle<C extends Collections>(parts: HandleParts): Db<C> {
  const { place, states, events, link, onScan, storage, plans, sync, access } = parts;
  const { local, lifetime } = place;
  // Rows can be sealed, while the rest goes on.
  const rows: Lifetime = {
    get isClosed() {
      return lifetime.isClosed;
    },
    assertOpen: access.assertOpen,
    onClose: lifetime.onClose,
    close: lifetime.close,
  };
  const scope = ownTransactions(local, rows);
  const queries = createLiveQueries(lifetime, local.persevere, access.assertOpen);
  const names = [...local.schemas.keys()];
  const collections = Object.fromEntries(
    names.map((name) => [name, openCollection(local, name, scope, queries, onScan)]),
  );
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= closeAll(lifetime, link, local);
    return closing;
  };
  const handle = {
    transaction: (fn, about) => runTransaction({ ...place, lifetime: rows, onScan }, fn, about),
    conflicts$: states.conflicts$,
    outbox$: states.outbox$,
    status$: states.status$,
    events$: events.asObservable(),
    peers$: states.peers$,
    storage$: storage.storage$,
    requestPersistence: storage.requestPersistence,
    sync: createSyncControl({ local, lifetime, states, link }),
    spaces: createSpaces({ sync, link, lifetime, deviceId: local.deviceId }),
    dexie: local.dexie,
    debug: createDebug({ local, lifetime, plans, states, storage$: storage.storage$, events }),
    close,
    // Not everywhere yet; without it the key would be the word undefined.
    ...((Symbol.asyncDispose as symbol | undefined) ? { [Symbol.asyncDispose]: close } : {}),
  } as DbHandle<C>;
  return withUnknownCollections(Object.assign(handle, collections), names) as unknown as Db<C>;
}

async function closeAll(lifetime: Lifetime, link: SyncLink | null, local: LocalDatabase): Promise<void> {
  lifetime.close();
  try {
    await link?.close();
  } finally {
    local.close();
  }
}

function browserStorage(): StorageManager | undefined {
  return typeof navigator === 'undefined' ? undefined : navigator.storage;
}

function assertNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

function aborted(signal: AbortSignal): SkerryError {
  return new SkerryError('ABORTED', 'open() was given up because its signal was aborted.', { cause: signal.reason });
}

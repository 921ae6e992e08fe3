/**
 * The states of an open database: conflicts$, outbox$, status$ and peers$. They follow the internal stores, whoever writes
 * them: this tab, another tab, or the worker.
 */
import type { ObservabilitySet } from 'dexie';
import { Observable } from 'rxjs';

import { msOf } from '../core/clock.ts';
import { CONFLICTS, OUTBOX, REJECTED, WRITERS, type WriterRow } from '../store/layout.ts';
import type { LocalWrite, Pending } from '../store/local-database.ts';
import type { StoredDecisions } from '../store/read-states.ts';
import type { SyncState } from '../worker/link.ts';
import { describeDecisions, isSameList, loadDecisions } from './conflicts.ts';
import type { AccessLoss } from './access-loss.ts';
import type { Place } from './place.ts';
import { createOutboxReader } from './outbox.ts';
import { createOwnWrites } from './own-writes.ts';
import { isSamePeers, peersOf } from './peers.ts';
import { createRefresh, watchTables, type Refresh } from './refresh.ts';
import { createState, withValue, type StateSource } from './state.ts';
import { composeStatus, isSameStatus, NOTHING_PENDING, type StatusParts } from './status.ts';
import type { Conflict, Logger, OutboxEntry, Peer, State, SyncStatus } from './types.ts';

export interface HotStates {
  readonly conflicts$: State<readonly Conflict[]>;
  readonly outbox$: State<readonly OutboxEntry[]>;
  readonly status$: State<SyncStatus>;
  readonly peers$: State<readonly Peer[]>;
  /** What the link last said; null without one. */
  readonly link$: State<SyncState | null>;
  setLink(state: SyncState): void;
  /** This tab wrote: it is pending from now on, before the database is read again. */
  noteWritten(write: Pick<LocalWrite, 'dots' | 'position' | 'outboxRows' | 'outbox'>): void;
  /** The database is another one, which counts anew. */
  noteReset(): void;
  /** Resolves when every state shows what the database held at the time of the call, or later. */
  refresh(): Promise<void>;
}

export interface HotStatesOptions {
  readonly place: Place;
  /** Where rows are sealed, conflicts about them are not shown either. */
  readonly access: Pick<AccessLoss, 'isSealed' | 'begin'>;
  readonly link: SyncState | null;
  readonly logger: Logger | undefined;
}

/** A file that could not be loaded is asked for again after this. */
const RELOAD_MS = 5_000;
/** Gathers a burst of writes. */
const SHOW_MS = 20;
/** So long after it was opened the rest of a long outbox is read, though nobody has looked at it. */
const IDLE_MS = 1_000;

/** Resolves when the first values are there. Rejects when the database cannot be read. */
export async function openHotStates({ place, access, link, logger }: HotStatesOptions): Promise<HotStates> {
  const { local, lifetime } = place;
  const conflicts = createState<readonly Conflict[]>([], isSameList);
  const outbox = createState<readonly OutboxEntry[]>([], isSameList);
  const peers = createState<readonly Peer[]>([], isSamePeers);
  const links = createState<SyncState | null>(link);
  let parts: StatusParts = { link, pending: NOTHING_PENDING, conflicts: 0 };
  const status = createState(composeStatus(parts), isSameStatus);
  const report = (change: Partial<StatusParts>): void => {
    parts = { ...parts, ...change };
    if (!lifetime.isClosed) status.set(composeStatus(parts));
  };
  /** What is announced before the first values are there asks for a read when they are. */
  let isOpen = false;
  const missed = new Set<Refresh>();
  const request = (refresh: Refresh): void => {
    if (isOpen) refresh.request();
    else missed.add(refresh);
  };
  const refreshOf = (what: string, read: () => Promise<void>): Refresh =>
    createRefresh({ read, lifetime, onError: (error) => logger?.error(`reading ${what} failed`, error) });
  const watch = (tables: readonly string[], onChange: (parts: ObservabilitySet) => void): void =>
    lifetime.onClose(watchTables(local.dexie, tables, onChange));

  const own = createOwnWrites(local.dexie.name);
  const unsent = createOutboxReader(local);
  let counted: Pending = NOTHING_PENDING;
  const setPending = (pending: Pending): void => {
    counted = pending;
    report({ pending });
    reportPeers();
  };
  let writers: readonly WriterRow[] = [];
  let wroteMs: number | null = null;
  const reportPeers = (): void =>
    peers.set(peersOf({ writers, deviceId: local.deviceId, unsent: parts.pending.changes, wroteMs }));
  const showDecisions = async (decisions: StoredDecisions): Promise<void> => {
    const shown = access.isSealed ? { ...decisions, conflicts: [], constraintConflicts: [] } : decisions;
    const found = await describeDecisions(place, shown, conflicts.state$.value);
    if (!(found.conflicts instanceof Error)) conflicts.set(found.conflicts);
    else {
      logger?.error('Conflicts cannot be shown yet; reloading the page may be needed.', found.conflicts);
      const retry = setTimeout(() => request(decided), RELOAD_MS);
      lifetime.onClose(() => clearTimeout(retry));
    }
    report({ conflicts: found.count });
  };

  const pending = refreshOf('what is pending', async () => {
    const found = await local.readPending();
    // Read before this tab wrote, and told after it: what was written is known from the write.
    if (found.position >= counted.position) setPending(found);
    else pending.request();
  });
  const decided = refreshOf('conflicts', async () => showDecisions(await local.readDecisions()));
  const writing = refreshOf('devices', async () => {
    writers = await local.readAllWriters();
    reportPeers();
  });
  const outboxRead = refreshOf('the outbox', async () => {
    isOutboxWanted = true;
    outbox.set(await unsent.read());
    if (unsent.isBehind) outboxRead.request();
  });
  /** A long outbox is read to its end when somebody looks at it, or when the page has had time for itself. */
  let isOutboxWanted = false;
  const wantOutbox = (): void => {
    if (isOutboxWanted || lifetime.isClosed) return;
    isOutboxWanted = true;
    if (unsent.isBehind) request(outboxRead);
  };
  let showing: ReturnType<typeof setTimeout> | undefined;
  const showOutboxSoon = (): void => {
    showing ??= setTimeout(() => {
      showing = undefined;
      outbox.set(unsent.entries);
    }, SHOW_MS);
  };
  watch([OUTBOX], (announced) => {
    if (own.takes(announced)) return;
    unsent.note(announced);
    request(pending);
    if (isOutboxWanted) request(outboxRead);
  });
  // Rows are a part of what is told about a constraint.
  watch([CONFLICTS, REJECTED, WRITERS, ...local.constrained], () => request(decided));
  watch([WRITERS], () => request(writing));
  const refresh = async (): Promise<void> =>
    void (await Promise.all([pending, decided, writing, outboxRead].map((one) => one.now())));
  lifetime.onClose(() => completeAll([conflicts, outbox, status, peers, links]));

  const first = await local.readStates();
  access.begin(first.isLost);
  unsent.begin(first.outbox);
  outbox.set(unsent.entries);
  writers = first.writers;
  setPending(first.pending);
  await showDecisions(first.decisions);
  isOpen = true;
  missed.forEach((one) => one.request());
  if (!unsent.isBehind) isOutboxWanted = true;
  const idle = setTimeout(wantOutbox, IDLE_MS);
  lifetime.onClose(() => {
    clearTimeout(idle);
    clearTimeout(showing);
  });
  void loadDecisions();

  return {
    conflicts$: conflicts.state$,
    outbox$: withValue(
      new Observable((subscriber) => {
        outbox.set(unsent.entries);
        wantOutbox();
        return outbox.state$.subscribe(subscriber);
      }),
      () => {
        wantOutbox();
        return unsent.entries;
      },
    ),
    status$: status.state$,
    peers$: peers.state$,
    link$: links.state$,
    setLink: (state) => {
      if (lifetime.isClosed) return;
      place.receipts.setLink(state);
      links.set(state);
      report({ link: state });
    },
    noteWritten: (write) => {
      const { outboxRows, outbox: all, position, dots } = write;
      wroteMs = Date.now();
      own.note(outboxRows);
      unsent.noteWritten(write);
      if (!unsent.isBehind) showOutboxSoon();
      else if (isOutboxWanted) request(outboxRead);
      if (position < counted.position) return;
      const isAll = all.changes === dots.length || counted.oldestMs === null;
      const oldestMs = isAll ? msOf(outboxRows[0]!.head!.hlc) : counted.oldestMs;
      setPending({ ...all, oldestMs, position });
    },
    noteReset: () => {
      counted = NOTHING_PENDING;
      unsent.noteReset();
      report({ resetMs: Date.now() });
      reportPeers();
    },
    refresh,
  };
}

function completeAll(sources: readonly Pick<StateSource<unknown>, 'complete'>[]): void {
  for (const source of sources) source.complete();
}

/**
 * The states of an open database: conflicts$, outbox$, status$ and peers$. They follow the internal stores, whoever writes
 * them: this tab, another tab, or the worker.
 */
import type { ObservabilitySet } from 'dexie';

import { CONFLICTS, OUTBOX, REJECTED, WRITERS, type WriterRow } from '../store/layout.ts';
import type { LocalWrite, Pending } from '../store/local-database.ts';
import type { SyncState } from '../worker/link.ts';
import { isSameList, loadDecisions, readConflicts } from './conflicts.ts';
import type { Place } from './place.ts';
import { createOutboxReader } from './outbox.ts';
import { isSamePeers, peersOf } from './peers.ts';
import { createRefresh, watchTables, type Refresh } from './refresh.ts';
import { createState, type StateSource } from './state.ts';
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
  noteWritten(write: Pick<LocalWrite, 'position'>): void;
  /** The database is another one, which counts anew. */
  noteReset(): void;
  /** Resolves when every state shows what the database held at the time of the call, or later. */
  refresh(): Promise<void>;
}

export interface HotStatesOptions {
  readonly place: Place;
  readonly link: SyncState | null;
  readonly logger: Logger | undefined;
}

/** A file that could not be loaded is asked for again after this. */
const RELOAD_MS = 5_000;

/** Resolves when the first values are there. Rejects when the database cannot be read. */
export async function openHotStates({ place, link, logger }: HotStatesOptions): Promise<HotStates> {
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
  const follow = (
    tables: readonly string[],
    read: (again: () => void) => Promise<void>,
    note?: (parts: ObservabilitySet) => void,
  ): Refresh => {
    const onError = (error: unknown): void => logger?.error(`reading ${tables.join(', ')} failed`, error);
    const refresh: Refresh = createRefresh({ read: () => read(refresh.request), lifetime, onError });
    lifetime.onClose(
      watchTables(local.dexie, tables, (parts) => {
        note?.(parts);
        refresh.request();
      }),
    );
    return refresh;
  };

  const unsent = createOutboxReader(local);
  let counted: Pending = NOTHING_PENDING;
  let writtenTo = 0;
  /** What was counted and what this tab has written since: a count may be told later than a write that it did not see. */
  const reportPending = (): void => {
    const unseen = Math.max(0, writtenTo - counted.position);
    const oldestMs = counted.oldestMs ?? (unseen > 0 ? Date.now() : null);
    report({ pending: { ...counted, changes: counted.changes + unseen, oldestMs } });
    reportPeers();
  };
  let writers: readonly WriterRow[] = [];
  let wroteMs: number | null = null;
  const reportPeers = (): void =>
    peers.set(peersOf({ writers, deviceId: local.deviceId, unsent: parts.pending.changes, wroteMs }));
  const refreshes = [
    follow([OUTBOX], async () => {
      counted = await local.readPending();
      reportPending();
    }),
    // Rows are a part of what is told about a constraint.
    follow([CONFLICTS, REJECTED, WRITERS, ...local.constrained], async (again) => {
      const found = await readConflicts(place, conflicts.state$.value);
      if (!(found.conflicts instanceof Error)) conflicts.set(found.conflicts);
      else {
        logger?.error('Conflicts cannot be shown yet; reloading the page may be needed.', found.conflicts);
        const retry = setTimeout(again, RELOAD_MS);
        lifetime.onClose(() => clearTimeout(retry));
      }
      report({ conflicts: found.count });
    }),
    follow([WRITERS], async () => {
      writers = await local.readAllWriters();
      reportPeers();
    }),
    follow([OUTBOX], async () => outbox.set(await unsent.read()), unsent.note),
  ];
  const refresh = async (): Promise<void> => void (await Promise.all(refreshes.map((one) => one.now())));
  lifetime.onClose(() => completeAll([conflicts, outbox, status, peers, links]));
  await refresh();
  void loadDecisions();

  return {
    conflicts$: conflicts.state$,
    outbox$: outbox.state$,
    status$: status.state$,
    peers$: peers.state$,
    link$: links.state$,
    setLink: (state) => {
      if (lifetime.isClosed) return;
      place.receipts.setLink(state);
      links.set(state);
      report({ link: state });
    },
    noteWritten: ({ position }) => {
      writtenTo = position;
      wroteMs = Date.now();
      reportPending();
    },
    noteReset: () => {
      writtenTo = 0;
      unsent.noteReset();
      report({ resetMs: Date.now() });
      reportPending();
    },
    refresh,
  };
}

function completeAll(sources: readonly Pick<StateSource<unknown>, 'complete'>[]): void {
  for (const source of sources) source.complete();
}

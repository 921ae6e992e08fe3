/**
 * What becomes of the commits of this handle. A commit that nobody looks at costs nothing; those that somebody does
 * look at are asked for together, once for each burst of changes in the database, and are forgotten with the objects that the
 * app holds.
 */
import { Observable } from 'rxjs';

import type { Dot } from '../core/dot.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Refused } from '../store/device-store.ts';
import { CONFLICTS, META, OUTBOX, REJECTED, type RejectedRow } from '../store/layout.ts';
import type { LocalDatabase, Written } from '../store/local-database.ts';
import { isKnownEverywhere, notKnownEverywhere, type ChangeFate, type KnownServers } from '../store/receipts.ts';
import { recordKey } from '../store/record-key.ts';
import type { Stamp } from '../core/version-vector.ts';
import type { SyncState } from '../worker/link.ts';
import type { Lifetime } from './lifetime.ts';
import { ACCEPTED, isHeld, isSameReceipt, receiptOf, SAVED, withdrawn, type LinkKnowledge } from './receipt.ts';
import { createRefresh, watchTables, type Refresh } from './refresh.ts';
import { createState, withValue, type StateSource } from './state.ts';
import type { Logger, Receipt, State } from './types.ts';

export interface Receipts {
  /** Whether there is a server that could confirm anything. */
  readonly isSynced: boolean;
  /** Follows the commit from now on. */
  follow(written: Written): Followed;
  setLink(state: SyncState): void;
  /** A push is on its way; `through` is the place of its last change, null when it came to nothing. */
  noteSent(through: number | null): void;
  /** What was refused stays so when somebody has decided about it. */
  noteRejected(rows: readonly RejectedRow[]): void;
  /** The database was cleared with these in it, and no server is known to have them. */
  noteLost(dots: readonly Dot[]): void;
}

export interface Followed {
  readonly receipt$: State<Receipt>;
  /** What the database says of it, read after this call. Throws CLOSED and what reading throws. */
  now(): Promise<void>;
  /** Whether every server of the space is known to have it. */
  readonly isEverywhere: boolean;
  /** Emits whenever something may have changed; completes on close(). */
  readonly changes$: Observable<unknown>;
}

export interface ReceiptsOptions {
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  /** Whether there is a server at all. */
  readonly isSynced: boolean;
  readonly logger: Logger | undefined;
}

/** One commit that somebody looks at. */
interface Watched {
  dot: Dot;
  readonly order: number;
  readonly deviceId: string;
  readonly records: ReadonlySet<string>;
  readonly first: readonly [collection: string, id: string] | undefined;
  readonly source: StateSource<Receipt>;
  readonly round: StateSource<number>;
  readonly state$: State<Receipt>;
  error: SkerryError | null;
  /** Where its writer stood when it had left the outbox: all of that is known everywhere once this is. */
  stamp: Stamp | null;
  isEverywhere: boolean;
}

/** What became of a change that was nowhere but in the database. */
const LOST: Refused = {
  code: 'STORAGE_FAILED',
  message: 'The database was cleared before a server was known to have this change; it is not in the new one.',
};

interface Hold {
  readonly one: Watched;
}

export function createReceipts({ local, lifetime, isSynced, logger }: ReceiptsOptions): Receipts {
  /** Those that the app still holds, and those that somebody listens to. */
  const watched = new Set<WeakRef<Watched>>();
  const held = new Set<Hold>();
  const refusals = new Map<Dot, Refused>();
  let link: LinkKnowledge = { acceptedThrough: {}, sentThrough: null };
  /** Nothing was written, or there is nobody who could confirm it. */
  const settled = createState(isSynced ? ACCEPTED : SAVED);
  lifetime.onClose(settled.complete);
  const unwatched: Followed = {
    receipt$: settled.state$,
    now: () => Promise.resolve(),
    isEverywhere: true,
    changes$: settled.state$,
  };
  let refresh: Refresh | null = null;
  let rounds = 0;

  const living = (): Watched[] =>
    [...watched].flatMap((ref) => {
      const one = ref.deref();
      if (!one) watched.delete(ref);
      return one ?? [];
    });

  const read = async (): Promise<void> => {
    const all = living();
    if (all.length === 0) return;
    const asked = all.map(({ dot, order, deviceId, error, first }) => ({
      dot,
      order,
      deviceId,
      ...(error && first ? { takenBack: first } : {}),
    }));
    const { fates, rejected, conflicts, servers } = await local.readFates(asked);
    if (lifetime.isClosed) return;
    noteRejected(rejected);
    rounds++;
    all.forEach((one, i) => {
      const fate = fates[i]!;
      one.dot = fate.dot;
      one.error = refusalIn(one, fate, refusals);
      noteServers(one, fate, servers);
      one.source.set(receiptOf({ wrote: wroteBy(one) }, fate, one.error, link, conflicts));
      one.round.set(rounds);
    });
  };

  const started = (): Refresh => {
    if (refresh) return refresh;
    const onError = (error: unknown): void => logger?.error('reading receipts failed', error);
    refresh = createRefresh({ read, lifetime, onError });
    lifetime.onClose(watchTables(local.dexie, [OUTBOX, REJECTED, CONFLICTS, META], refresh.request));
    lifetime.onClose(() => {
      for (const one of living()) {
        one.source.complete();
        one.round.complete();
      }
    });
    return refresh;
  };

  const noteRejected = (rows: readonly RejectedRow[]): void => {
    for (const { parts, error } of rows) for (const { dot } of parts) refusals.set(dot, error);
  };

  const look = (): void => {
    if (refresh && watched.size > 0) refresh.request();
  };

  return {
    isSynced,
    follow(written) {
      if (written.dot === '' || !isSynced) return unwatched;
      const one = watch(written, held);
      if (lifetime.isClosed) {
        one.source.complete();
        one.round.complete();
      } else {
        watched.add(new WeakRef(one));
        started().request();
      }
      return {
        receipt$: one.state$,
        now: () => (lifetime.isClosed ? Promise.resolve() : started().now()),
        get isEverywhere() {
          return one.isEverywhere;
        },
        changes$: holding(one, held, one.round.state$),
      };
    },
    setLink: ({ connection, acceptedThrough }) => {
      // The same link went on: what is on its way still is.
      const sentThrough = connection === 'online' ? link.sentThrough : null;
      const isSame = sentThrough === link.sentThrough && acceptedThrough === link.acceptedThrough;
      link = { acceptedThrough, sentThrough };
      if (!isSame) look();
    },
    noteSent: (sentThrough) => {
      link = { ...link, sentThrough };
      look();
    },
    noteRejected,
    noteLost(dots) {
      for (const dot of dots) if (!isHeld(link, dot)) refusals.set(dot, LOST);
      look();
    },
  };
}

function watch({ dot, order, deviceId, undo }: Written, held: Set<Hold>): Watched {
  const source = createState<Receipt>(SAVED, isSameReceipt);
  const [first] = undo;
  const one: Watched = {
    dot,
    order,
    deviceId,
    records: new Set(undo.map((record) => recordKey(record.collection, record.id))),
    first: first && [first.collection, first.id],
    source,
    round: createState(0),
    state$: withValue(
      new Observable<Receipt>((subscriber) => holding(one, held, source.state$).subscribe(subscriber)),
      () => source.state$.value,
    ),
    error: null,
    stamp: null,
    isEverywhere: false,
  };
  return one;
}

/** Whoever listens keeps it alive, also when the commit itself was let go. */
function holding<T>(one: Watched, held: Set<Hold>, source$: Observable<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const hold: Hold = { one };
    held.add(hold);
    const subscription = source$.subscribe(subscriber);
    return () => {
      subscription.unsubscribe();
      held.delete(hold);
    };
  });
}

function wroteBy({ records }: Watched): (collection: string, id: string) => boolean {
  return (collection, id) => records.has(recordKey(collection, id));
}

function refusalIn(
  one: Watched,
  { dot, isEmptied, isInLog }: ChangeFate,
  refusals: ReadonlyMap<Dot, Refused>,
): SkerryError | null {
  // Another server had taken it all the same.
  if (isInLog) return null;
  const refused = refusals.get(dot);
  if (refused) return one.error ?? new SkerryError(refused.code, refused.message);
  return one.error ?? (isEmptied ? withdrawn() : null);
}

function noteServers(one: Watched, { dot, isPending }: ChangeFate, servers: KnownServers): void {
  if (isPending || one.isEverywhere) return;
  if (!one.stamp) {
    const until = notKnownEverywhere(servers, dot);
    if (until === 'unknown') return;
    one.stamp = until;
  }
  one.isEverywhere = one.stamp === null || isKnownEverywhere(servers, one.stamp);
}

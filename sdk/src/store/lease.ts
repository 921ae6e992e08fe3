/**
 * Who syncs, where the browser has no Web Locks: a lease in the database of the device. Its holder counts it up; whoever
 * sees it stand still for long enough, by beats of its own, takes it. No clock is compared with another one.
 */
import { openDB } from 'idb';

import { NOBODY, type LeaderRow } from './fence.ts';
import { META } from './layout.ts';

export interface Lease {
  /**
   * Renews the lease, or takes it when nobody has it, or, with `isOrphaned`, from whoever has it. Gives what it says
   * now: the same text as before means that its holder has not renewed it.
   */
  renew(isOrphaned: boolean): Promise<LeaseState>;
  /** Gives it back. */
  release(): Promise<void>;
}

export interface LeaseState {
  readonly isMine: boolean;
  readonly says: string;
}

/** `holder`: a name of this context alone. */
export function openLease(name: string, holder: string): Lease {
  return {
    renew: (isOrphaned) =>
      inLeader<LeaseState>(name, (row) => {
        const { lease } = row;
        if (lease !== undefined && lease.holder !== holder && !isOrphaned)
          return { row, answer: { isMine: false, says: `${lease.holder} ${lease.beat}` } };
        const beat = (lease?.beat ?? 0) + 1;
        return { row: { ...row, lease: { holder, beat } }, answer: { isMine: true, says: `${holder} ${beat}` } };
      }),
    release: () =>
      inLeader(name, (row) => {
        const { lease, ...free } = row;
        return { row: lease?.holder === holder ? free : row, answer: undefined };
      }),
  };
}

/** A connection for each time: it is never in the way of an upgrade, and never stale. */
async function inLeader<R>(
  name: string,
  decide: (row: LeaderRow) => { readonly row: LeaderRow; readonly answer: R },
): Promise<R> {
  const db = await openDB(name);
  try {
    const tx = db.transaction(META, 'readwrite', { durability: 'relaxed' });
    const before = ((await tx.store.get('leader')) as LeaderRow | undefined) ?? NOBODY;
    const { row, answer } = decide(before);
    if (row !== before) await tx.store.put(row);
    await tx.done;
    return answer;
  } finally {
    db.close();
  }
}

/**
 * Admission: the one place where causality is checked. What it lets in comes after everything it depends on, in every
 * log, so that nobody who reads logs in order has to check again.
 */
import { isUuidV7 } from '../lib/ids.ts';
import { msOf } from './clock.ts';
import { dotsNamed, type Change, type RecordChange } from './change.ts';
import { incOf, seqOf, type Dot, type Inc } from './dot.ts';
import type { RecordState } from './record.ts';
import { isExpired } from './tombstone.ts';
import { covers, type VersionVector } from './version-vector.ts';

/** What the server knows, gathered inside the transaction that will append the change. */
export interface AdmissionFacts {
  /** Highest durable seq of each incarnation that the change names: its own and those in `ex`. Absent is 0. */
  readonly known: Readonly<Record<Inc, number>>;
  /** Content hash of what is stored under the change's dot; null when nothing is, or no longer. */
  readonly storedHash: string | null;
  /** Content hash of the change, computed here and not taken from the peer. */
  readonly hash: string;
  /** The server's own K. */
  readonly cursor: VersionVector;
  /** The records that the change names, as they are here. */
  readonly recordOf: (collection: string, id: string) => RecordState | undefined;
  /** A: what this server has promised to admit nothing on. */
  readonly promised: VersionVector;
  /** G: what every server has promised. */
  readonly horizon: VersionVector;
  /** Whether this peer may write this change: a function of the change and the peer's claims only. */
  readonly permitted: boolean;
  /** Whether the change under this dot is here without its content, because its device took it back. */
  readonly isWithdrawn: (dot: Dot) => boolean;
}

export type Admission =
  | { readonly type: 'accepted' }
  /** It is here already, with this content: nothing to do, and as good as accepted. */
  | { readonly type: 'duplicate' }
  | {
      readonly type: 'refused';
      readonly code: 'EQUIVOCATION' | 'GAP' | 'BEHIND' | 'CLOCK' | 'FORBIDDEN' | 'GONE' | 'LIMBO' | 'WITHDRAWN';
      readonly message: string;
      /** For GONE and LIMBO. */
      readonly record?: { readonly c: string; readonly id: string };
    };

type Refused = Extract<Admission, { type: 'refused' }>;

/** `driftMs`: how far ahead of `nowMs` a stamp may be. */
export function admit(facts: AdmissionFacts, change: Change, nowMs: number, driftMs: number): Admission {
  const inc = incOf(change.dot);
  const seq = seqOf(change.dot);
  const have = knownOf(facts, inc);
  if (seq <= have) return compareContent(facts);
  if (seq !== have + 1) return refused('GAP', `the next change of this writer is ${have + 1}, not ${seq}`);
  if (!covers(facts.cursor, change.deps ?? {}))
    return refused('BEHIND', 'the change depends on entries that are not here');
  if ((change.ex ?? []).some((dot) => knownOf(facts, incOf(dot)) < seqOf(dot))) {
    return refused('BEHIND', 'the change comes after another writer of this device whose change is not here');
  }
  const aheadMs = msOf(change.hlc) - nowMs;
  if (aheadMs > driftMs) return refused('CLOCK', `the stamp is ${aheadMs} ms ahead, allowed are ${driftMs}`);
  if (!facts.permitted) return refused('FORBIDDEN', 'this user may not write this change');
  return editOfForgotten(facts, change) ?? effectOfWithdrawn(facts, change) ?? { type: 'accepted' };
}

/**
 * What it names as seen was taken back, by a copy of the profile say. Let in, it would replace what is not there, and
 * leave alone what that had replaced: siblings of what its writer had seen.
 */
function effectOfWithdrawn({ isWithdrawn }: AdmissionFacts, { recs }: Change): Refused | null {
  const cause = dotsNamed(recs).find(isWithdrawn);
  return cause === undefined ? null : refused('WITHDRAWN', `the change comes after ${cause}, which was taken back`);
}

/**
 * Every server promises to admit nothing on records that were deleted long enough ago, so that all of them may forget
 * these. An operation that finds its record forgotten comes too late for good; one that only this server will forget
 * waits until the others have promised the same.
 */
function editOfForgotten(facts: AdmissionFacts, change: Change): Refused | null {
  for (const rec of change.recs) {
    if (!isUuidV7(rec.id) || creates(rec)) continue;
    const record = facts.recordOf(rec.c, rec.id);
    const named = { record: { c: rec.c, id: rec.id } };
    if (!record || isExpired(rec.id, record, facts.horizon))
      return { ...refused('GONE', 'the record was deleted and forgotten'), ...named };
    if (isExpired(rec.id, record, facts.promised))
      return { ...refused('LIMBO', 'the delete of the record is being forgotten'), ...named };
  }
  return null;
}

function creates(rec: RecordChange): boolean {
  return rec.ops.some((op) => op.t === 'life' && op.v !== 'dead' && op.pred.length === 0);
}

function compareContent(facts: AdmissionFacts): Admission {
  if (facts.storedHash === null || facts.storedHash === facts.hash) return { type: 'duplicate' };
  return refused('EQUIVOCATION', 'another change was stored under this dot');
}

function knownOf(facts: AdmissionFacts, inc: Inc): number {
  return Object.hasOwn(facts.known, inc) ? facts.known[inc]! : 0;
}

function refused(code: Refused['code'], message: string): Refused {
  return { type: 'refused', code, message };
}

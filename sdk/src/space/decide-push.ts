/** Decides one push against what its space holds. Stops at the first change that is refused: what is behind it may depend on it. */
import { admit, type AdmissionFacts } from '../core/admission.ts';
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import { commonHorizon } from '../core/topology.ts';
import type { Refusal } from '../protocol/messages.ts';
import { appendChange, nextStamp, type PreparedChange } from './append.ts';
import { excessOf, growBy, type SpaceLimits } from './excess.ts';
import { spaceKey, type KnownWriter, type SpaceView } from './space.ts';
import { isVoidHere } from './voids.ts';

/** A push that was checked, hashed and asked about before its transaction. */
export interface PreparedPush {
  readonly owner: string | null;
  /** Well-formed changes, up to the first that is not. */
  readonly changes: readonly (PreparedChange & { readonly isPermitted: boolean })[];
  /** The change behind them that is not well-formed. */
  readonly bad: Pick<Refusal, 'dot' | 'code' | 'message'> | null;
  /** Every incarnation in the push, whether its changes were looked at or not. */
  readonly incs: readonly Inc[];
}

export interface PushRules {
  readonly nowMs: number;
  /** How far ahead of it a stamp may be, in milliseconds. */
  readonly driftMs: number;
  /** What a space and its records may grow to; without them, whatever. */
  readonly limits?: SpaceLimits;
}

export interface PushDecision {
  readonly known: Readonly<Record<Inc, number>>;
  readonly refused?: Refusal;
  /** What the push added to the log: not what was there before. */
  readonly accepted: readonly Dot[];
}

export function decidePush(push: PreparedPush, view: SpaceView, rules: PushRules): PushDecision {
  const accepted: Dot[] = [];
  let refused: Omit<Refusal, 'serverTime'> | null = null;
  for (const prepared of push.changes) {
    const { dot } = prepared.change;
    const admission = admit(factsOf(prepared, push, view), prepared.change, rules.nowMs, rules.driftMs);
    if (admission.type === 'refused') {
      const { code, message, record } = admission;
      refused = { dot, code, message, ...(record ? { record } : {}) };
      break;
    }
    if (admission.type === 'duplicate') continue;
    const excess = rules.limits ? excessOf(view, prepared, rules.limits) : null;
    if (excess) {
      refused = { dot, ...excess };
      break;
    }
    appendChange(view, nextStamp(view), prepared, push.owner);
    growBy(view, prepared);
    accepted.push(dot);
  }
  refused ??= push.bad;
  return {
    known: knownRecord(push.incs, view.known),
    ...(refused ? { refused: { ...refused, serverTime: rules.nowMs } } : {}),
    accepted,
  };
}

export function knownRecord(incs: readonly Inc[], known: ReadonlyMap<Inc, KnownWriter>): Readonly<Record<Inc, number>> {
  return Object.fromEntries(incs.map((inc) => [inc, known.get(inc)?.seq ?? 0]));
}

function factsOf(
  { change, hash, isPermitted }: PreparedPush['changes'][number],
  { owner }: PreparedPush,
  { sid, meta, known, hashes, records }: SpaceView,
): AdmissionFacts {
  const incs = [incOf(change.dot), ...(change.ex ?? []).map(incOf)];
  const writer = known.get(incOf(change.dot))?.owner ?? null;
  const { members } = meta.topology;
  return {
    known: knownRecord(incs, known),
    storedHash: hashes.get(change.dot) ?? null,
    hash,
    cursor: meta.cursor,
    // What was taken back writes nothing. A writer belongs to whom its first change came from: nobody goes on in another's name.
    permitted: (isPermitted || change.recs.length === 0) && (writer === null || writer === owner),
    isWithdrawn: (dot) => isVoidHere(known, dot),
    recordOf: (collection, id) => records.get(spaceKey(collection, id)),
    promised: Object.hasOwn(members, sid) ? members[sid]!.horizon : {},
    horizon: commonHorizon(meta.topology),
  };
}

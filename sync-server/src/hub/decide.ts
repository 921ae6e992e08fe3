/** Decides one push against what its space holds: a pure function over the facts, used inside the transaction. */
import { admit, incOf, seqOf } from '@skerry/sdk/kernel';
import type { Dot, Inc, Refusal, Sid } from '@skerry/sdk/kernel';

import type { KnownWriter, NewEntry, SpaceFacts } from '../storage/port.ts';
import type { PreparedChange, PreparedPush } from './prepare.ts';

/** A space as seen from inside a transaction: the facts, and what the pushes before this one have added. */
export interface SpaceView {
  head: number;
  readonly known: Map<Inc, KnownWriter>;
  readonly hashes: Map<Dot, string>;
}

export interface Rules {
  readonly sid: Sid;
  readonly nowMs: number;
  readonly driftMs: number;
}

export interface Decision {
  readonly known: Readonly<Record<Inc, number>>;
  readonly refused?: Refusal;
  readonly entries: readonly NewEntry[];
}

export function viewOf(facts: SpaceFacts): SpaceView {
  return { head: facts.head, known: new Map(facts.known), hashes: new Map(facts.hashes) };
}

/** Stops at the first change that is refused: what is behind it may depend on it. */
export function decidePush(push: PreparedPush, view: SpaceView, rules: Rules): Decision {
  const entries: NewEntry[] = [];
  let refused: Omit<Refusal, 'serverTime'> | null = null;
  for (const prepared of push.changes) {
    const { dot } = prepared.change;
    const admission = admit(factsOf(prepared, push, view, rules), prepared.change, rules.nowMs, rules.driftMs);
    if (admission.type === 'refused') {
      refused = { dot, code: admission.code, message: admission.message };
      break;
    }
    if (admission.type === 'accepted') entries.push(add(prepared, push, view));
  }
  refused ??= push.bad;
  return {
    known: knownRecord(push.incs, view.known),
    ...(refused ? { refused: { ...refused, serverTime: rules.nowMs } } : {}),
    entries,
  };
}

export function knownRecord(incs: readonly Inc[], known: ReadonlyMap<Inc, KnownWriter>): Readonly<Record<Inc, number>> {
  return Object.fromEntries(incs.map((inc) => [inc, known.get(inc)?.seq ?? 0]));
}

function factsOf(
  prepared: PreparedChange,
  push: PreparedPush,
  view: SpaceView,
  { sid }: Rules,
): Parameters<typeof admit>[0] {
  const { dot, ex } = prepared.change;
  const incs = [incOf(dot), ...(ex ?? []).map(incOf)];
  const owner = view.known.get(incOf(dot))?.owner ?? null;
  return {
    known: knownRecord(incs, view.known),
    storedHash: view.hashes.get(dot) ?? null,
    hash: prepared.hash,
    cursor: { [sid]: view.head },
    // A writer belongs to whom its first change came from: nobody goes on in another's name.
    permitted: prepared.isPermitted && (owner === null || owner === push.owner),
  };
}

function add(
  { change: { dot }, hash, text }: PreparedChange,
  { space, owner }: PreparedPush,
  view: SpaceView,
): NewEntry {
  view.head++;
  view.known.set(incOf(dot), { seq: seqOf(dot), owner: view.known.get(incOf(dot))?.owner ?? owner });
  view.hashes.set(dot, hash);
  return { space, n: view.head, dot, hash, change: text, owner };
}

/**
 * Going over to a snapshot: pure, record by record, so that a storage can do it in one transaction without holding all
 * records at once. What a person sees never goes back: unsent changes stay on top, what a server has lost is offered to
 * it again, and what the snapshot does not confirm is kept in quarantine.
 */
import { applyRecordChange } from '../core/apply.ts';
import { receive, type Hlc } from '../core/clock.ts';
import type { OpenConflict } from '../core/conflict.ts';
import { digestOfRecord, EMPTY_DIGEST, exchange, type Digest } from '../core/digest.ts';
import { isVoid } from '../core/change.ts';
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import { contentOfRecord, recordFromJson, recordToJson } from '../core/record-json.ts';
import { copyRecord, createRecord, lifeStatus, type Mark, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { isExpired } from '../core/tombstone.ts';
import { commonHorizon, knownEverywhere } from '../core/topology.ts';
import { covers, type Stamp, type VersionVector } from '../core/version-vector.ts';
import { viewRecord, type RecordView, type Row } from '../core/view.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson, jsonEqual, type Json } from '../lib/json.ts';
import type { Bootstrap, ChangeEntry, Snapshot, SnapshotRecord } from '../protocol/messages.ts';
import { conflictMoves } from './conflict-moves.ts';
import type { ConflictMove } from './device-store.ts';
import { forgetSettled, isSamePlace, noteSeen, type OutOfStep } from './follow.ts';
import {
  currentState,
  isTombstone,
  type OutboxKey,
  type OutboxRow,
  type QuarantineRow,
  type RecordRow,
  type SeenWriter,
  type SpaceRow,
  type StagingRow,
} from './layout.ts';
import { withLocal } from './local-fields.ts';
import type { OutboxSwitch } from './outbox-switch.ts';
import { recordKey } from './record-key.ts';
import { tailAfterSwitch } from './switch-tail.ts';
import { remadeTail, type TailPlan } from './tail-plan.ts';

type Begun = Extract<StagingRow, { key: 'begun' }>;

/** What a piece of a snapshot means for what has arrived of it. */
export type Staging =
  /** It goes on, or begins: everything staged before is of another snapshot and goes. */
  | { readonly type: 'stage'; readonly begun: Begun; readonly isNew: boolean; readonly isLast: boolean }
  /** It has arrived before. */
  | { readonly type: 'repeated' }
  | OutOfStep;

/** A snapshot belongs to the place of the log at which it was asked for: a device that has moved on asks anew. */
export function stagePiece(
  begun: Begun | undefined,
  cursor: VersionVector,
  bootstrap: Bootstrap,
  piece: Snapshot,
): Staging {
  const stored = begun && isResumable(begun, cursor) && begun.bootstrap.id === bootstrap.id ? begun : undefined;
  const next = stored?.next ?? 0;
  if (piece.id !== bootstrap.id) return outOfStep('the piece is of another snapshot');
  if (piece.piece < next) return { type: 'repeated' };
  if (piece.piece > next) return outOfStep(`the snapshot goes on with piece ${piece.piece}, this device has ${next}`);
  if (bootstrap.why !== 'forked' && !covers(bootstrap.cursor, cursor))
    return outOfStep('the snapshot is older than what this device has');
  const isLast = next + 1 === bootstrap.pieces;
  return { type: 'stage', begun: { key: 'begun', bootstrap, cursor, next: next + 1 }, isNew: !stored, isLast };
}

export function isResumable(begun: Begun, cursor: VersionVector): boolean {
  return isSamePlace(begun.cursor, cursor) && begun.next < begun.bootstrap.pieces;
}

function outOfStep(reason: string): OutOfStep {
  return { type: 'out-of-step', reason };
}

export interface SwitchContext {
  readonly bootstrap: Bootstrap;
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  /** K of this device before. */
  readonly cursor: VersionVector;
  readonly horizon: VersionVector;
  /** Changes of each record that stay in the outbox, in order. */
  readonly pending: ReadonlyMap<string, readonly OutboxRow[]>;
  /** Changes of each record that left the outbox because the snapshot has them. */
  readonly contained: ReadonlyMap<string, readonly OutboxRow[]>;
  /** The first part of each change, by place: it has the dot. */
  readonly heads: ReadonlyMap<number, OutboxRow>;
  readonly nowMs: number;
}

export function switchContext(
  about: Pick<SwitchContext, 'bootstrap' | 'schemas' | 'cursor' | 'nowMs'>,
  { rows, contained }: Pick<OutboxSwitch, 'rows' | 'contained'>,
): SwitchContext {
  return {
    ...about,
    horizon: commonHorizon(about.bootstrap.topology),
    pending: byRecord(rows),
    contained: byRecord(contained),
    heads: new Map([...contained, ...rows].flatMap((row) => (row.part === 0 ? [[row.order, row] as const] : []))),
  };
}

function byRecord(rows: readonly OutboxRow[]): ReadonlyMap<string, readonly OutboxRow[]> {
  const found = new Map<string, OutboxRow[]>();
  for (const row of rows) {
    for (const { c, id } of row.recs) {
      const key = recordKey(c, id);
      const known = found.get(key);
      if (known) known.push(row);
      else found.set(key, [row]);
    }
  }
  return found;
}

/** What going over leaves of one record. */
export interface SwitchedRecord {
  /** null: nothing of it is stored any more. */
  readonly record: RecordRow | null;
  /** The state is another one than before: it must be written. */
  readonly isWritten: boolean;
  /** What is shown has changed. */
  readonly isChanged: boolean;
  readonly row: Row | null;
  readonly conflicts: readonly OpenConflict[];
  readonly problems: readonly PolicyProblem[];
  readonly closed: readonly string[];
  readonly moves: readonly ConflictMove[];
  readonly digest: Digest;
  readonly discarded: QuarantineRow | null;
}

/** A record as it is stored, as the snapshot has it, or both. */
export function switchRecord(
  context: SwitchContext,
  { c, id }: { readonly c: string; readonly id: string },
  stored: RecordRow | undefined,
  given: SnapshotRecord | undefined,
): SwitchedRecord {
  const { schemas, horizon } = context;
  const key = recordKey(c, id);
  const unsent = context.pending.get(key) ?? [];
  const told = given && recordFromJson(given.state);
  const base = told && !isExpired(id, told, horizon) ? told : undefined;
  const grave = base || unsent.length === 0 ? undefined : graveOf(context, key, stored, unsent);
  const overlay = unsent.length === 0 ? undefined : applied(context, base ?? grave, unsent, key);
  const shown = overlay ?? base;
  const schema = schemas.get(c);
  const view: RecordView = schema && shown ? viewRecord(schema, id, shown) : { row: null, conflicts: [] };
  const before = currentState(stored);
  const rowBefore = schema && before ? viewRecord(schema, id, before).row : null;
  const open = view.conflicts.map((conflict) => conflict.id);
  const wasOpen = stored?.conflicts ?? [];
  const record: RecordRow = {
    c,
    id,
    ...(base ? { base } : {}),
    ...(grave ? { grave } : {}),
    ...(overlay ? { overlay } : {}),
    ...(isTombstone(id, base) ? { dead: 1 } : {}),
    pending: unsent.map((row): OutboxKey => [row.order, row.part]),
    conflicts: open,
    ...(stored?.local ? { local: stored.local } : {}),
  };
  const isSame = isUntouched(stored, record);
  return {
    record: shown ? record : null,
    isWritten: !isSame,
    isChanged: !jsonEqual(rowBefore as Json, view.row as Json),
    row: schema ? withLocal(schema, view.row, stored?.local) : null,
    conflicts: view.conflicts,
    problems: view.problems ?? [],
    closed: wasOpen.filter((conflict) => !open.includes(conflict)),
    moves: conflictMoves(c, id, wasOpen, open),
    digest: digestOfRecord(c, id, base),
    discarded: isSame ? null : discardedOf(context, key, stored, base),
  };
}

/**
 * Nothing in the outbox touches it, and the base is the same: most records, when little has happened. The same under
 * other numbers is not: those of a server that was put back are void.
 */
function isUntouched(stored: RecordRow | undefined, record: RecordRow): boolean {
  if (!stored?.base || !record.base || stored.pending.length + record.pending.length > 0) return false;
  if (stored.grave || stored.overlay) return false;
  return textOf(stored.base) === textOf(record.base);
}

function textOf(state: RecordState): string {
  return canonicalJson(recordToJson(state) as unknown as Json);
}

/**
 * What the unsent changes of a forgotten record are shown on: its last content. Where a change is offered again, a
 * server has not forgotten the record but lost it, and that change brings it back.
 */
function graveOf(
  context: SwitchContext,
  key: string,
  stored: RecordRow | undefined,
  unsent: readonly OutboxRow[],
): RecordState | undefined {
  if (unsent.some((row) => context.heads.get(row.order)?.relay)) return undefined;
  const last = stored?.base ?? stored?.grave;
  const contained = context.contained.get(key) ?? [];
  return last || contained.length > 0 ? applied(context, last, contained, key) : undefined;
}

function applied(
  context: SwitchContext,
  ground: RecordState | undefined,
  rows: readonly OutboxRow[],
  key: string,
): RecordState {
  const state = ground ? copyRecord(ground) : createRecord();
  for (const row of rows) {
    const first = context.heads.get(row.order);
    const rec = row.recs.find((candidate) => recordKey(candidate.c, candidate.id) === key);
    if (first?.dot && first.head && rec) applyRecordChange(state, { dot: first.dot, hlc: first.head.hlc }, rec);
  }
  return state;
}

/**
 * The version that this device had, if neither the snapshot nor what is offered again leads to it: something was wrong
 * with it, or a server has lost more than this device can bring back.
 */
function discardedOf(
  context: SwitchContext,
  key: string,
  stored: RecordRow | undefined,
  base: RecordState | undefined,
): QuarantineRow | null {
  const old = stored?.base;
  if (!old || lifeStatus(old) === 'dead') return null;
  const { bootstrap, cursor, heads, nowMs } = context;
  const relayed = (context.pending.get(key) ?? []).filter((row) => heads.get(row.order)?.relay);
  const now = relayed.length === 0 ? base : applied(context, base, relayed, key);
  const isHere = isSamePlace(cursor, bootstrap.cursor);
  // Gone while this device was away is how it should be, and so is what somebody has written since.
  const isExplained = now ? isNewer(now, old) : bootstrap.why !== 'forked';
  if (isExplained && !isHere) return null;
  const content = contentOfRecord(old);
  if (now && contentOfRecord(now) === content) return null;
  return { c: stored.c, id: stored.id, hash: hash128(content), state: old, at: nowMs };
}

/** Whether a change has touched the record that the other state does not know. */
function isNewer(state: RecordState, other: RecordState): boolean {
  const known = new Set(marksOf(other).map((mark) => mark.dot));
  return marksOf(state).some((mark) => !known.has(mark.dot));
}

function marksOf(state: RecordState): readonly Mark[] {
  return [...state.rv, ...state.life, ...[...state.cells.values()].flat(), ...(state.hot?.values() ?? [])];
}

/** The clock after the stamps in a piece were received. */
export function latestOf({ records }: Snapshot, received: Hlc, latestMs: number): Hlc {
  return records
    .flatMap(({ state }) => state.marks)
    .reduce((latest, [, hlc]) => receive(latest, hlc, latestMs), received);
}

export function addDigest(sum: Digest, digest: Digest): Digest {
  return exchange(sum, EMPTY_DIGEST, digest);
}

/** Where the device stands after the switch. `recent`: what came with the snapshot one by one. */
export function switchSpace(
  space: SpaceRow,
  bootstrap: Bootstrap,
  digest: Digest,
  recent: readonly ChangeEntry[],
  switched: OutboxSwitch,
): { readonly space: SpaceRow; readonly tail: TailPlan['puts'] } {
  const { topology, chain, cursor } = bootstrap;
  const seen: Record<Inc, SeenWriter> = {};
  const voids: Record<Dot, Stamp> = {};
  for (const entry of recent) {
    const { dot, change } = entry;
    if (seqOf(dot) > (seen[incOf(dot)]?.seq ?? 0)) noteSeen(entry, seen, voids);
    else if (change && !isVoid(change)) delete voids[dot];
  }
  const { voids: _before, ...before } = space;
  const { puts, tail } = remadeTail(tailAfterSwitch(bootstrap, switched, recent), space.tail);
  return {
    space: {
      ...before,
      topology,
      chain,
      ...forgetSettled({ seen, voids }, knownEverywhere(topology, cursor)),
      digest,
      tail,
      isDiverged: false,
    },
    tail: puts,
  };
}

/**
 * What becomes of a device's unsent changes when its base is exchanged for a snapshot. What the snapshot contains leaves
 * the outbox; what a server has lost is put in front, under its own dots; the rest stays as it was written, and is told
 * to come after all of the snapshot.
 */
import type { Change, Writer } from '../core/change.ts';
import { dotOf, incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import { countOf } from '../core/version-vector.ts';
import { hash128 } from '../lib/hash.ts';
import { utf8Length } from '../lib/utf8.ts';
import type { Bootstrap } from '../protocol/messages.ts';
import type { OutOfStep } from './follow.ts';
import type { OutboxKey, OutboxRow, ReplicaRow, SpaceRow, TailEntry } from './layout.ts';
import { pendingChanges, type PendingChange } from './pending-changes.ts';
import { dependantsOf, emptyRow } from './reject-plan.ts';

export interface OutboxSwitchInput {
  readonly replica: ReplicaRow;
  readonly bootstrap: Bootstrap;
  /** All of it, in order. */
  readonly outbox: readonly OutboxRow[];
  /** All of it, in the order in which it was applied. */
  readonly tail: readonly TailEntry[];
  readonly writerOf: (inc: Inc) => Writer | undefined;
}

export interface OutboxSwitch {
  /** The outbox as it will be, in order. */
  readonly rows: readonly OutboxRow[];
  /** Rows of changes that the snapshot contains. */
  readonly contained: readonly OutboxRow[];
  /** Rows of changes of which it contains the dot alone, because a copy of this profile took them back; and of what names these as seen. */
  readonly withdrawn: readonly OutboxRow[];
  readonly deletes: readonly OutboxKey[];
  readonly replica: ReplicaRow;
  /** What of the tail is not offered again, in its order. */
  readonly tail: readonly TailEntry[];
}

export function switchOutbox(input: OutboxSwitchInput): OutboxSwitch {
  const { replica, bootstrap, outbox } = input;
  const contained = new Set(outbox.filter((row) => row.dot && isContained(bootstrap, row.dot)).map((row) => row.order));
  const isWithdrawn = ({ dot, relay }: OutboxRow): boolean => !!dot && !relay && isVoidIn(bootstrap, dot);
  const withdrawn = new Set(outbox.filter(isWithdrawn).map((row) => row.order));
  const left = outbox.filter((row) => !contained.has(row.order));
  const dependants = dependantsOf(
    pendingChanges(left),
    new Set(outbox.flatMap(({ order, dot }) => (dot && withdrawn.has(order) ? [dot] : []))),
  );
  const mine = withEmptied(left, dependants);
  const unsent = new Set(mine.flatMap((row) => (row.dot ? [row.dot] : [])));
  const offered = reoffered(input, unsent);
  const isSent = new Set([...unsent, ...offered.map((entry) => entry.dot)]);
  const renamed = renameOrphans(input, [...relayRows(offered, firstOrder(mine, replica)), ...mine]);
  const rows = linked(renamed, bootstrap);
  return {
    rows,
    contained: outbox.filter(({ order }) => contained.has(order) && !withdrawn.has(order)),
    withdrawn: [...outbox.filter(({ order }) => withdrawn.has(order)), ...dependants.flatMap(({ rows }) => rows)],
    deletes: outbox.map((row): OutboxKey => [row.order, row.part]),
    replica: renumbered(replica, rows, bootstrap),
    tail: input.tail.filter((entry) => !isSent.has(entry.dot)),
  };
}

function withEmptied(rows: readonly OutboxRow[], emptied: readonly PendingChange[]): readonly OutboxRow[] {
  const empty = new Map(emptied.map((change) => [change.order, emptyRow(change)]));
  return rows.flatMap((row) => {
    const instead = empty.get(row.order);
    if (!instead) return [row];
    return row.part === 0 ? [instead] : [];
  });
}

/**
 * Whether the server has said of every writer in the outbox how far the snapshot has them. One that has begun since the
 * hello may be in it all the same: a copy of this profile sends what both have.
 */
export function knowsOutbox({ known }: Bootstrap, outbox: readonly OutboxRow[]): boolean {
  return outbox.every(({ dot }) => dot === undefined || Object.hasOwn(known, incOf(dot)));
}

/** What is complete is gone over to when the server has been asked anew: everything but the last piece is kept. */
export const UNASKED: OutOfStep = {
  type: 'out-of-step',
  reason: 'a writer has begun since the snapshot was asked for: its server is asked about it',
};

function isContained({ known }: Bootstrap, dot: Dot): boolean {
  return seqOf(dot) <= countOf(known, incOf(dot));
}

/**
 * What was taken back here, or was told so, and the snapshot has with its content: another server had taken it. `voids`:
 * those that had been applied without it.
 */
export function filledBy(bootstrap: Bootstrap, outbox: readonly OutboxRow[], voids: SpaceRow['voids'] = {}): Set<Dot> {
  const emptied = outbox.flatMap(({ dot, head, recs }) => (dot && head?.was && recs.length === 0 ? [dot] : []));
  const dots = [...Object.keys(voids), ...emptied];
  return new Set(dots.filter((dot) => isContained(bootstrap, dot) && !isVoidIn(bootstrap, dot)));
}

function isVoidIn({ voids = {} }: Bootstrap, dot: Dot): boolean {
  return Object.hasOwn(voids, incOf(dot)) && voids[incOf(dot)]!.includes(seqOf(dot));
}

/**
 * What this device has applied and the snapshot lacks, where the snapshot ends without a gap: a server takes the changes
 * of a writer in their order only.
 */
function reoffered({ bootstrap, tail }: OutboxSwitchInput, unsent: ReadonlySet<Dot>): TailEntry[] {
  const last = new Map<Inc, number>();
  const offered: TailEntry[] = [];
  for (const entry of tail) {
    const inc = incOf(entry.dot);
    if (!Object.hasOwn(bootstrap.known, inc) || isContained(bootstrap, entry.dot) || unsent.has(entry.dot)) continue;
    if (seqOf(entry.dot) !== (last.get(inc) ?? countOf(bootstrap.known, inc)) + 1) continue;
    last.set(inc, seqOf(entry.dot));
    offered.push(entry);
  }
  return offered;
}

function firstOrder(mine: readonly OutboxRow[], replica: ReplicaRow): number {
  return mine[0]?.order ?? replica.order;
}

/** In front of the first change of this device's own; nothing says that places are positive. */
function relayRows(entries: readonly TailEntry[], before: number): OutboxRow[] {
  return entries.map(({ change }, i) => relayRow(change, before - entries.length + i));
}

function relayRow({ dot, recs, ...head }: Change, order: number): OutboxRow {
  return {
    order,
    part: 0,
    recs,
    bytes: utf8Length(JSON.stringify(recs)),
    dot,
    head: { ...head, deps: {} },
    relay: true,
  };
}

/**
 * A writer whose earlier changes are on no server and not here either can never send another one: a server would wait for
 * the missing ones for ever. Its unsent changes go on under a writer whose name follows from the lost one, so that two
 * copies of this profile choose the same.
 */
function renameOrphans({ bootstrap, writerOf }: OutboxSwitchInput, rows: readonly OutboxRow[]): readonly OutboxRow[] {
  const last = new Map<Inc, number>(Object.entries(bootstrap.known));
  const heirs = new Map<Inc, { readonly name: Inc; seq: number }>();
  const names = new Map<Dot, Dot>();
  const introduced = new Map<Dot, Writer>();
  for (const { dot } of rows) {
    if (!dot) continue;
    const inc = incOf(dot);
    const isInOrder = !last.has(inc) || last.get(inc) === seqOf(dot) - 1;
    let heir = heirs.get(inc);
    if (isInOrder && !heir) {
      last.set(inc, seqOf(dot));
      continue;
    }
    if (!heir) heirs.set(inc, (heir = { name: hash128(`heir of ${dot}`).slice(0, inc.length), seq: 0 }));
    const name = dotOf(heir.name, ++heir.seq);
    names.set(dot, name);
    const writer = heir.seq === 1 ? writerOf(inc) : undefined;
    if (writer) introduced.set(name, writer);
  }
  if (names.size === 0) return rows;
  const rename = (dots: readonly Dot[]): readonly Dot[] => dots.map((dot) => names.get(dot) ?? dot);
  return rows.map((row) => {
    const recs = row.recs.map((rec) => ({
      ...rec,
      rv: rename(rec.rv),
      ops: rec.ops.map((op) => ('pred' in op ? { ...op, pred: rename(op.pred) } : op)),
    }));
    const dot = row.dot && (names.get(row.dot) ?? row.dot);
    const writer = dot && introduced.get(dot);
    return {
      ...row,
      recs,
      ...(dot ? { dot } : {}),
      ...(writer && row.head ? { head: { ...row.head, writer: withoutInc(writer) } } : {}),
    };
  });
}

function withoutInc({ user, device }: Writer): Writer {
  return { ...(user ? { user } : {}), device };
}

/** Each comes after all of the snapshot, and after the one before it in the outbox. */
function linked(rows: readonly OutboxRow[], { cursor }: Bootstrap): readonly OutboxRow[] {
  let before: Dot | null = null;
  return rows.map((row) => {
    if (!row.head || !row.dot) return row;
    const { ex: _ex, ...head } = row.head;
    const ex = before !== null && incOf(before) !== incOf(row.dot) ? { ex: [before] } : {};
    before = row.dot;
    return { ...row, head: { ...head, deps: cursor, ...ex } };
  });
}

/**
 * Numbering goes on only for writers of which everything is in the snapshot or in the outbox: another one begins anew
 * with its next write, because a server may miss what came before.
 */
function renumbered(replica: ReplicaRow, rows: readonly OutboxRow[], bootstrap: Bootstrap): ReplicaRow {
  const dots = rows.flatMap((row) => (row.dot ? [row.dot] : []));
  const ends = new Map<Inc, number>(Object.entries(bootstrap.known));
  for (const dot of dots) ends.set(incOf(dot), seqOf(dot));
  const seqs = Object.entries(replica.seqs).filter(([inc, seq]) => ends.get(inc) === seq);
  return {
    ...replica,
    lastDot: dots.at(-1) ?? null,
    seqs: Object.fromEntries(seqs),
    outbox: { changes: dots.length, bytes: rows.reduce((sum, row) => sum + row.bytes, 0) },
  };
}

/** Adding to a space's log: number, chain, state and registry move together; the digest follows in `settle`. */
import { applyRecordChange } from '../core/apply.ts';
import { isVoid, type Change, type RecordChange } from '../core/change.ts';
import type { Control } from '../core/control.ts';
import { incOf, seqOf, type Dot } from '../core/dot.ts';
import { repeatRecordChange } from '../core/repeat.ts';
import { copyRecord, createRecord, type RecordState } from '../core/record.ts';
import { applyControl } from '../core/topology.ts';
import { countOf, type Stamp } from '../core/version-vector.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { spaceKey, type NewEntry, type SpaceView } from './space.ts';
import { fillVoid } from './voids.ts';

/** A change with what is stored of it. */
export interface PreparedChange {
  readonly change: Change;
  /** Content hash. */
  readonly hash: string;
  /** JSON text without the dependencies: what is stored and sent on. */
  readonly text: string;
}

/** The next number of this server's own stream. */
export function nextStamp({ sid, meta }: SpaceView): Stamp {
  return [sid, countOf(meta.cursor, sid) + 1];
}

export function appendChange(
  view: SpaceView,
  stamp: Stamp,
  { change, hash, text }: PreparedChange,
  owner: string | null,
): void {
  const { dot } = change;
  push(view, { kind: 'change', stamp, dot, text, hash, owner });
  const before = view.known.get(incOf(dot));
  const voids = isVoid(change) ? { voids: [...(before?.voids ?? []), seqOf(dot)] } : {};
  view.known.set(incOf(dot), { owner, ...before, seq: seqOf(dot), ...voids });
  view.heard.add(incOf(dot));
  view.hashes.set(dot, hash);
  apply(view, stamp, change);
}

/**
 * A second stamp of a change that is here without its content, with it: another server had taken it before its device
 * took it back. It applies now, as if for the first time, and is passed on whole.
 */
export function appendContent(view: SpaceView, stamp: Stamp, { change, text }: PreparedChange): void {
  push(view, { kind: 'alias', stamp, dot: change.dot, text, hash: null, owner: null });
  fillVoid(view, change.dot);
  apply(view, stamp, change);
}

function apply(view: SpaceView, stamp: Stamp, { dot, hlc, recs }: Change): void {
  for (const rec of recs) {
    const old = view.records.get(spaceKey(rec.c, rec.id));
    const record = old ? copyRecord(old) : createRecord();
    applyRecordChange(record, { dot, hlc }, rec, stamp);
    keep(view, rec, record);
  }
  view.meta = { ...view.meta, hasNews: true, isRemembered: false };
}

/**
 * A second stamp of a change that is here already. Its content is passed on only where it says something new to everybody
 * behind this log: it came with a greater clock stamp than the one that counted here, or there are claims of it to number.
 */
export function appendAlias(view: SpaceView, stamp: Stamp, dot: Dot, again: PreparedChange | null): void {
  const text = again && repeatChange(view, stamp, again.change) ? again.text : null;
  push(view, { kind: 'alias', stamp, dot, text, hash: null, owner: null });
  view.meta = { ...view.meta, hasNews: true, isRemembered: false };
}

function repeatChange(view: SpaceView, stamp: Stamp, { dot, hlc, recs }: Change): boolean {
  let isNews = false;
  for (const rec of recs) {
    const old = view.records.get(spaceKey(rec.c, rec.id));
    const record = old && copyRecord(old);
    if (!record || !repeatRecordChange(record, { dot, hlc }, rec, stamp)) continue;
    keep(view, rec, record);
    isNews = true;
  }
  return isNews;
}

function keep(view: SpaceView, { c, id }: RecordChange, record: RecordState): void {
  const key = spaceKey(c, id);
  view.records.set(key, record);
  view.changed.add(key);
}

export function appendControl(view: SpaceView, stamp: Stamp, control: Control): void {
  const text = canonicalJson(control as unknown as Json);
  push(view, { kind: 'control', stamp, dot: null, text, hash: null, owner: null });
  view.meta = { ...view.meta, topology: applyControl(view.meta.topology, stamp, control) };
}

/** The chain hash of an entry that follows one with `before` in its stream; '' begins. */
export function chainAfter(before: string, { dot, text }: Pick<NewEntry, 'dot' | 'text'>): string {
  return hash128(`${before}\u0000${dot ?? text!}`);
}

/**
 * The chain is over what every server says of a number: the dot. One that has the change already keeps an alias, and may
 * not know the content any more; that contents are the same is for digests to show.
 */
function push(view: SpaceView, entry: Omit<NewEntry, 'lsn' | 'chain'>): void {
  const { meta } = view;
  const [sid, n] = entry.stamp;
  const lsn = meta.lsn + 1;
  const before = Object.hasOwn(meta.chain, sid) ? meta.chain[sid]! : '';
  const chain = chainAfter(before, entry);
  view.entries.push({ ...entry, lsn, chain });
  view.meta = {
    ...meta,
    lsn,
    cursor: { ...meta.cursor, [sid]: n },
    chain: { ...meta.chain, [sid]: chain },
  };
}

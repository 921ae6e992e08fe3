/**
 * The changes of a push and the entries of a page in fewer bytes: writers, servers and collections are named once in a
 * frame and then by number, what every change has is told by its place instead of a key, and an ancestor of a text by
 * what it has in common with the text. `docs/protocol.md` has the form, under "Packed changes".
 *
 * It changes how a frame is written and nothing else. Keys that this version does not know are kept, and what has no
 * packed form stays as it is. Unpacking never fails: what is not the packed form of anything becomes something that is
 * no entry, no dot or no ancestor, and the check of the whole frame, which comes next, says so. It adds no more to a
 * frame than each of its numbers stands for, and those are short.
 */
import type { Base, Op, RecordChange } from '../core/change.ts';
import { dotOf, incOf, seqOf, type Dot } from '../core/dot.ts';
import type { VersionVector } from '../core/version-vector.ts';
import { MAX_NAME_LENGTH } from './limits.ts';
import type { LogEntry, Page, Push } from './messages.ts';

type Names = Map<string, number>;

/** In place of a `pred` that is the record's `rv`, or of `deps` that are those of the change before. */
const SAME = 0;
/** In place of a base where there is none and something follows. */
const NONE = 0;

/** What has a place in the packed form; all else follows under its key. */
const PLACED = {
  entry: new Set(['stamp', 'dot', 'hlc', 'change']),
  change: new Set(['dot', 'hlc', 'recs']),
  sentChange: new Set(['dot', 'hlc', 'recs', 'deps']),
  record: new Set(['c', 'id', 'rv', 'ops']),
  op: new Set(['t', 'p', 'pred', 'v', 'base']),
} as const;

export function packPush(push: Push): object {
  const names: Names = new Map();
  let before = '';
  const changes = push.changes.map((change) => {
    const { dot, hlc, recs, deps = null } = change;
    const text = JSON.stringify(deps);
    const told = text === before ? SAME : deps;
    before = text;
    return withOthers(
      [numberOf(names, incOf(dot)), seqOf(dot), hlc, packRecords(names, recs), told],
      change,
      PLACED.sentChange,
    );
  });
  return { ...push, names: [...names.keys()], changes };
}

export function packPage(page: Page): object {
  const names: Names = new Map();
  const entries = page.entries.map((entry) => packEntry(names, entry));
  return { ...page, names: [...names.keys()], entries };
}

/** An alias or a control entry, of which there are few, stays as it is; so does what says more than a change. */
function packEntry(names: Names, entry: LogEntry): unknown {
  if ('control' in entry || 'alias' in entry || othersOf(entry, PLACED.entry)) return entry;
  const { stamp, dot, hlc, change } = entry;
  const head = [numberOf(names, stamp[0]), stamp[1], numberOf(names, incOf(dot)), seqOf(dot)];
  if (!change) return hlc === undefined ? head : [...head, hlc];
  return withOthers([...head, change.hlc, packRecords(names, change.recs)], change, PLACED.change);
}

function packRecords(names: Names, recs: readonly RecordChange[]): readonly unknown[] {
  return recs.map((rec) => {
    const ops = rec.ops.map((op) => packOp(names, rec.rv, op));
    return withOthers([numberOf(names, rec.c), rec.id, packDots(names, rec.rv), ops], rec, PLACED.record);
  });
}

function packOp(names: Names, rv: readonly Dot[], op: Op): unknown {
  if (op.t !== 'set' && op.t !== 'add' && op.t !== 'rm') return op;
  const { t, p, pred } = op;
  // Only a short one is repeated by a number: a frame could else grow without bounds while it is unpacked.
  const isSame = rv.length <= 1 && pred.length === rv.length && pred[0] === rv[0];
  const items: unknown[] = [t, p, isSame ? SAME : packDots(names, pred)];
  const others = othersOf(op, PLACED.op);
  if (t !== 'set' || op.v === undefined) return others || ('base' in op && op.base) ? op : items;
  items.push(op.v);
  if (op.base) items.push(packBase(op.v, op.base));
  else if (others) items.push(NONE);
  if (others) items.push(others);
  return items;
}

/** Of a text as `[hlc, start, end, middle]`: the value's first and last characters with something else between them. */
function packBase(value: unknown, base: Base): unknown {
  const { hlc, v } = base;
  if (typeof value !== 'string' || typeof v !== 'string' || Object.keys(base).length > 2) return base;
  const most = Math.min(value.length, v.length);
  let start = 0;
  while (start < most && value.charCodeAt(start) === v.charCodeAt(start)) start++;
  if (isHighSurrogate(v.charCodeAt(start - 1))) start--;
  let end = 0;
  while (end < most - start && value.charCodeAt(value.length - 1 - end) === v.charCodeAt(v.length - 1 - end)) end++;
  if (end > 0 && isLowSurrogate(v.charCodeAt(v.length - end))) end--;
  return [hlc, start, end, v.slice(start, v.length - end)];
}

/** Writer and number of each in turn. */
function packDots(names: Names, dots: readonly Dot[]): readonly number[] {
  const packed: number[] = [];
  for (const dot of dots) packed.push(numberOf(names, incOf(dot)), seqOf(dot));
  return packed;
}

function numberOf(names: Names, name: string): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  names.set(name, names.size);
  return names.size - 1;
}

function withOthers(items: unknown[], of: object, placed: ReadonlySet<string>): unknown[] {
  const others = othersOf(of, placed);
  if (others) items.push(others);
  return items;
}

function othersOf(of: object, placed: ReadonlySet<string>): object | null {
  const others = Object.keys(of).filter((key) => !placed.has(key));
  if (others.length === 0) return null;
  return Object.fromEntries(others.map((key) => [key, (of as Readonly<Record<string, unknown>>)[key]]));
}

/** `frame`, fresh from JSON.parse, as if it had not been packed. */
export function unpackFrame(frame: unknown): unknown {
  if (!isObject(frame) || !Array.isArray(frame['names'])) return frame;
  const { names, ...plain } = frame;
  if (Array.isArray(plain['changes']))
    return { ...plain, changes: unpackChanges(names as unknown[], plain['changes']) };
  if (!Array.isArray(plain['entries'])) return plain;
  return { ...plain, entries: plain['entries'].map((entry) => unpackEntry(names as unknown[], entry)) };
}

function unpackChanges(names: readonly unknown[], items: readonly unknown[]): readonly unknown[] {
  let before: unknown = null;
  return items.map((item) => {
    if (!Array.isArray(item)) return item;
    const [inc, seq, hlc, recs, told, others] = item as unknown[];
    const deps = told === SAME ? before : told;
    before = deps;
    const change = { ...asOthers(others), dot: unpackDot(names, inc, seq), hlc, recs: unpackRecords(names, recs) };
    return deps === null ? change : { ...change, deps: deps as VersionVector };
  });
}

function unpackEntry(names: readonly unknown[], item: unknown): unknown {
  if (!Array.isArray(item)) return item;
  const [sid, n, inc, seq, hlc, recs, others] = item as unknown[];
  const dot = unpackDot(names, inc, seq);
  const stamp = [nameAt(names, sid), n];
  if (item.length < 6) return hlc === undefined ? { stamp, dot } : { stamp, dot, hlc };
  return { stamp, dot, change: { ...asOthers(others), dot, hlc, recs: unpackRecords(names, recs) } };
}

function unpackRecords(names: readonly unknown[], items: unknown): unknown {
  if (!Array.isArray(items)) return items;
  return items.map((item: unknown) => {
    if (!Array.isArray(item)) return item;
    const [c, id, dots, ops, others] = item as unknown[];
    const rv = unpackDots(names, dots);
    const unpacked = Array.isArray(ops) ? ops.map((op) => unpackOp(names, rv, op)) : ops;
    return { ...asOthers(others), c: nameAt(names, c), id, rv, ops: unpacked };
  });
}

function unpackOp(names: readonly unknown[], rv: unknown, item: unknown): unknown {
  if (!Array.isArray(item)) return item;
  const [t, p, seen, v, base, others] = item as unknown[];
  const pred = seen === SAME && Array.isArray(rv) && rv.length <= 1 ? rv : unpackDots(names, seen);
  if (item.length < 4) return { t, p, pred };
  const op = { ...asOthers(others), t, p, pred, v };
  return base === undefined || base === NONE ? op : { ...op, base: unpackBase(v, base) };
}

function unpackBase(value: unknown, base: unknown): unknown {
  if (!Array.isArray(base)) return base;
  if (typeof value !== 'string') return null;
  const [hlc, start, end, middle] = base as unknown[];
  if (!isLength(start) || !isLength(end) || start + end > value.length || typeof middle !== 'string') return null;
  return { hlc, v: value.slice(0, start) + middle + value.slice(value.length - end) };
}

function unpackDots(names: readonly unknown[], item: unknown): unknown {
  if (!Array.isArray(item)) return item;
  return Array.from({ length: Math.ceil(item.length / 2) }, (_, i) => unpackDot(names, item[2 * i], item[2 * i + 1]));
}

function unpackDot(names: readonly unknown[], inc: unknown, seq: unknown): unknown {
  return typeof seq === 'number' ? dotOf(nameAt(names, inc), seq) : '';
}

/** Empty when there is none: nothing that is named may be empty. */
function nameAt(names: readonly unknown[], at: unknown): string {
  const name = typeof at === 'number' ? names[at] : undefined;
  return typeof name === 'string' && name.length <= MAX_NAME_LENGTH ? name : '';
}

/** What is there in place of an object spoils the whole, under a key that no object may have. */
function asOthers(value: unknown): object {
  if (value === undefined) return {};
  return isObject(value) ? value : NOT_AN_OBJECT;
}

const NOT_AN_OBJECT: object = JSON.parse('{"__proto__":null}') as object;

function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

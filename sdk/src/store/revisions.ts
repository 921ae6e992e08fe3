/**
 * What a device knows of the past of a record, as the writes that made it: pure, from what the record is now and the steps
 * that led there. A step that brought several writes at once, as a page does, is told write by write, in the order of their
 * clocks; what none of them is known to have written belongs to the last.
 */
import { registerRow } from '../core/commit.ts';
import { registerFields } from '../core/conflict.ts';
import type { Dot } from '../core/dot.ts';
import { beforeStep, marksOf } from '../core/former.ts';
import { parsePath, type Path } from '../core/paths.ts';
import { compareMarks, lifeStatus, type Entry, type Mark, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { isVisible, readRow, type Row } from '../core/view.ts';
import { jsonEqual, type Json } from '../lib/json.ts';
import { formerIn, type HistoryRow } from './history-row.ts';

export interface StoredRevision {
  readonly mark: Mark;
  readonly action: 'insert' | 'update' | 'delete';
  /** `aside`: never shown, because something written at the same time was. */
  readonly state: 'current' | 'former' | 'aside' | 'withdrawn';
  readonly fields: readonly string[];
  /** What it gave these fields; one that it took away is absent. */
  readonly values: Row;
  /** The row after it, without hot and local fields; null: deleted. Of what stood aside, as it would have been. */
  readonly row: Row | null;
}

/** Newest first, at most `limit`. `steps` in the order in which they were made. */
export function revisionsOf(
  schema: CollectionSchema,
  id: string,
  current: RecordState,
  steps: readonly HistoryRow[],
  limit: number,
): readonly StoredRevision[] {
  const states = [current];
  for (const step of steps.toReversed()) states.unshift(beforeStep(states[0]!, formerIn(step)));
  const writes: Write[] = [];
  const seen = new Set<Dot>();
  const withdrawn = new Set<Dot>();
  states.forEach((after, i) => {
    const all = marksOf(after);
    const marks = all.filter(({ dot }) => !seen.has(dot)).toSorted(compareMarks);
    // What was taken back, and is there again: a server had taken it all the same.
    for (const { dot } of all) withdrawn.delete(dot);
    for (const dot of steps[i - 1]?.withdrawn ?? []) withdrawn.add(dot);
    for (const { dot } of all) seen.add(dot);
    writes.push(...writesOf(schema, states[i - 1], after, marks));
  });
  const isGone = ({ mark }: Write): boolean => withdrawn.has(mark.dot);
  const shown = writes.findLast((write) => !write.isAside && !isGone(write));
  return writes
    .slice(-limit)
    .reverse()
    .map((write) => {
      const state = isGone(write) ? 'withdrawn' : write.isAside ? 'aside' : write === shown ? 'current' : 'former';
      return revision(schema, id, write === shown ? { ...write, after: current } : write, state);
    });
}

/** One write of a step. */
interface Write {
  readonly mark: Mark;
  readonly before: RecordState | undefined;
  readonly after: RecordState;
  readonly paths: readonly Path[];
  readonly isAside: boolean;
}

function writesOf(
  schema: CollectionSchema,
  before: RecordState | undefined,
  after: RecordState,
  marks: readonly Mark[],
): readonly Write[] {
  const isAside = ({ dot }: Mark): boolean => {
    const paths = pathsOf(after, dot);
    return paths.length > 0 && !isLifeOf(after, dot) && paths.every((path) => isPassedOver(schema, path, after, dot));
  };
  const passedOver = marks.filter(isAside);
  let shown = marks.filter((mark) => !passedOver.includes(mark));
  const changed = before ? changedPaths(before, after) : [];
  // What none of them is known to have written was brought by one of them.
  const theirs = new Set(passedOver.flatMap(({ dot }) => pathsOf(after, dot)));
  if (shown.length === 0 && changed.some((path) => !theirs.has(path))) shown = passedOver.splice(-1);
  const asides = passedOver.map((mark): Write => {
    const paths = pathsOf(after, mark.dot);
    return { mark, before, after: withOnly(after, paths, mark.dot), paths, isAside: true };
  });
  const last = shown.at(-1);
  if (!last) return asides;
  return [...asides, ...(before ? splitStep(before, after, shown, changed) : [firstKnown(after, shown, last)])];
}

/** Of the first that is known it is not known what was there before. */
function firstKnown(after: RecordState, shown: readonly Mark[], last: Mark): Write {
  const all = [...after.cells.keys(), ...after.counters.keys()];
  const paths = shown.length === 1 ? all : pathsOf(after, last.dot);
  return { mark: last, before: undefined, after, paths, isAside: false };
}

function splitStep(
  before: RecordState,
  after: RecordState,
  marks: readonly Mark[],
  changed: readonly Path[],
): readonly Write[] {
  const last = marks.at(-1)!;
  const writes: Write[] = [];
  let state = before;
  for (const mark of marks.slice(0, -1)) {
    const paths = pathsOf(after, mark.dot);
    const next = withPaths(state, after, paths, mark);
    writes.push({ mark, before: state, after: next, paths, isAside: false });
    state = next;
  }
  const told = new Set(writes.flatMap(({ paths }) => paths));
  const rest = changed.filter((path) => !told.has(path));
  const paths = [...new Set([...pathsOf(after, last.dot), ...rest])];
  return [...writes, { mark: last, before: state, after, paths, isAside: false }];
}

function pathsOf({ cells }: RecordState, dot: Dot): Path[] {
  return [...cells].flatMap(([path, entries]) => (entries.some((entry) => entry.dot === dot) ? [path] : []));
}

function isLifeOf({ life }: RecordState, dot: Dot): boolean {
  return life.some((entry) => entry.dot === dot);
}

/** Something that was written at the same time is shown as it was written, and this is not. */
function isPassedOver(schema: CollectionSchema, path: Path, { cells }: RecordState, dot: Dot): boolean {
  const entries = cells.get(path)!;
  const mine = entries.find((entry) => entry.dot === dot)!;
  if (entries.length < 2 || registerFields(path).length === 0) return false;
  const { shown } = schema.read(path, entries);
  return !isEqual(mine.v, shown.v) && entries.some((entry) => isEqual(entry.v, shown.v));
}

function isEqual(a: Json | undefined, b: Json | undefined): boolean {
  return a === undefined || b === undefined ? a === b : jsonEqual(a, b);
}

function withOnly(state: RecordState, paths: readonly Path[], dot: Dot): RecordState {
  const cells = new Map(state.cells);
  for (const path of paths)
    cells.set(
      path,
      state.cells.get(path)!.filter((entry) => entry.dot === dot),
    );
  return { ...state, cells };
}

function changedPaths(before: RecordState, after: RecordState): Path[] {
  const dotsOf = (entries: readonly Entry[] | undefined): string =>
    (entries ?? [])
      .map(({ dot }) => dot)
      .sort()
      .join();
  const cells = [...new Set([...before.cells.keys(), ...after.cells.keys()])];
  const counters = [...new Set([...before.counters.keys(), ...after.counters.keys()])];
  return [
    ...cells.filter((path) => dotsOf(before.cells.get(path)) !== dotsOf(after.cells.get(path))),
    ...counters.filter((path) => before.counters.get(path) !== after.counters.get(path)),
  ];
}

/** With these paths, and what the write did to the life of the record, as they are after the step. */
function withPaths(state: RecordState, after: RecordState, paths: readonly Path[], { dot }: Mark): RecordState {
  const cells = new Map(state.cells);
  for (const path of paths) if (after.cells.has(path)) cells.set(path, after.cells.get(path)!);
  return { ...state, cells, life: isLifeOf(after, dot) ? after.life : state.life };
}

function revision(
  schema: CollectionSchema,
  id: string,
  { mark, before, after, paths }: Write,
  state: StoredRevision['state'],
): StoredRevision {
  const row = rowOf(schema, id, after);
  const fields = [...new Set(paths.flatMap((path) => fieldsOf(path)))].filter((field) => isKept(schema, field));
  const values = Object.fromEntries(
    fields.flatMap((field): [string, Json][] => {
      const value = row && Object.hasOwn(row, field) ? row[field] : undefined;
      return value === undefined ? [] : [[field, value]];
    }),
  );
  return {
    mark,
    action: actionOf(schema, mark, before, after),
    state,
    fields,
    values: { ...values, ...ownValues(after, paths, mark.dot) },
    row,
  };
}

/** What a register was given, also where something else is shown. */
function ownValues({ cells }: RecordState, paths: readonly Path[], dot: Dot): Row {
  return Object.assign(
    {},
    ...paths.map((path) => {
      const own = cells.get(path)?.find((entry) => entry.dot === dot);
      return own && parsePath(path).kind !== 'key' ? registerRow(path, registerFields(path), own.v) : {};
    }),
  ) as Row;
}

function actionOf(
  schema: CollectionSchema,
  { dot }: Mark,
  before: RecordState | undefined,
  after: RecordState,
): StoredRevision['action'] {
  const wasThere = before !== undefined && isVisible(schema, before);
  // Also where the row is still shown, because somebody has edited it at the same time.
  if (after.life.some((entry) => entry.dot === dot && entry.v === 'dead')) return 'delete';
  if (!isVisible(schema, after)) return lifeStatus(after) === 'dead' ? 'delete' : 'update';
  if (before) return wasThere ? 'update' : 'insert';
  return marksOf(after).length === 1 ? 'insert' : 'update';
}

function rowOf(schema: CollectionSchema, id: string, state: RecordState): Row | null {
  if (!isVisible(schema, state)) return null;
  const { hot: _hot, ...kept } = state;
  const row = readRow(schema, id, kept);
  return Object.fromEntries(Object.entries(row).filter(([field]) => field === 'id' || isKept(schema, field)));
}

/** Of hot fields nothing but the latest is kept, and local ones are in no change. */
export function isKept(schema: CollectionSchema, field: string): boolean {
  const { kind } = schema.placeOf(field);
  return kind !== 'hot' && kind !== 'local';
}

function fieldsOf(path: Path): readonly string[] {
  const parsed = parsePath(path);
  if (parsed.kind === 'group') return parsed.fields;
  return parsed.kind === 'unknown' ? [] : [parsed.field];
}

/**
 * A record at rest: its state as one text. As objects an idle note takes 1.5 kB of memory beside its values and 400 bytes of
 * a stored row; as a text about a hundred. IndexedDB also copies one text faster than maps of lists of objects.
 *
 * `[marks, rv, life, cells, counters, hot]`. A mark is `<dot> <clock in base 36>`, there once however often the record has it; the
 * rest names marks by their place. An entry is the place of its mark, or `[mark, v]`, or `[mark, v, others]`, with a 0 behind
 * that when it has no `v`. A life without others than `live` is the place alone. Cells, counters and hot registers are path and content in
 * turn; of a cell with siblings the content is `{ "all": entries }`.
 */
import type { Entry, Mark, RecordState } from '../core/record.ts';
import type { Json } from '../lib/json.ts';
import type { RecordRow } from './layout.ts';

/** A row of `$records` as IndexedDB has it. */
export interface StoredRecordRow extends Omit<RecordRow, 'base' | 'overlay'> {
  /** As text; what was stored before this form was found has the state itself. */
  readonly base?: string | RecordState;
  readonly overlay?: string | RecordState;
}

export function storedRow({ base, overlay, ...row }: RecordRow): StoredRecordRow {
  return {
    ...row,
    ...(base ? { base: packRecord(base) } : {}),
    ...(overlay ? { overlay: packRecord(overlay) } : {}),
  };
}

export function recordRow({ base, overlay, ...row }: StoredRecordRow): RecordRow {
  return {
    ...row,
    ...(base === undefined ? {} : { base: typeof base === 'string' ? unpackRecord(base) : base }),
    ...(overlay === undefined ? {} : { overlay: typeof overlay === 'string' ? unpackRecord(overlay) : overlay }),
  };
}

/** What can be read of a row: of one that its disk has altered beyond that, not its state. */
export function readableRow(stored: StoredRecordRow): RecordRow {
  try {
    return recordRow(stored);
  } catch {
    const { base: _base, overlay: _overlay, ...row } = stored;
    return row;
  }
}

/** Every part of the state has its place: one that is missing here does not compile. */
const PLACE = { rv: 1, life: 2, cells: 3, counters: 4, hot: 5 } as const satisfies Record<keyof RecordState, number>;

type PackedEntry = number | [number, Json] | [number, Json, object] | [number, null, object, 0];
type PackedLife = number | [number, object];
type PackedCell = PackedEntry | { readonly all: readonly PackedEntry[] };

export function packRecord(state: RecordState): string {
  const marks = new Map<string, number>();
  const markOf = ({ dot, hlc }: Mark): number => {
    const mark = `${dot} ${hlc.toString(36)}`;
    const known = marks.get(mark);
    if (known !== undefined) return known;
    marks.set(mark, marks.size);
    return marks.size - 1;
  };
  const packed: unknown[] = [];
  packed[PLACE.rv] = state.rv.map(markOf);
  packed[PLACE.life] = state.life.map((entry): PackedLife => {
    const { dot: _dot, hlc: _hlc, ...others } = entry;
    return others.v === 'live' && Object.keys(others).length === 1 ? markOf(entry) : [markOf(entry), others];
  });
  packed[PLACE.cells] = [...state.cells].flatMap(([path, entries]): [string, PackedCell] => {
    const all = entries.map((entry) => packEntry(markOf(entry), entry));
    return [path, all.length === 1 ? all[0]! : { all }];
  });
  if (state.counters.size > 0) packed[PLACE.counters] = [...state.counters].flat();
  if (state.hot) {
    packed[PLACE.hot] = [...state.hot].flatMap(([path, entry]) => [path, packEntry(markOf(entry), entry)]);
  }
  packed[0] = [...marks.keys()];
  return JSON.stringify(packed);
}

function packEntry(mark: number, { dot: _dot, hlc: _hlc, v, ...others }: Entry): PackedEntry {
  const hasOthers = Object.keys(others).length > 0;
  if (v === undefined) return hasOthers ? [mark, null, others, 0] : mark;
  return hasOthers ? [mark, v, others] : [mark, v];
}

export function unpackRecord(text: string): RecordState {
  const packed = JSON.parse(text) as readonly unknown[];
  const marks = (packed[0] as readonly string[]).map(readMark);
  const cells = packed[PLACE.cells] as readonly (string | PackedCell)[];
  const counters = (packed[PLACE.counters] ?? []) as readonly (string | number)[];
  const hot = packed[PLACE.hot] as readonly (string | PackedEntry)[] | null | undefined;
  return {
    rv: (packed[PLACE.rv] as readonly number[]).map((mark) => marks[mark]!),
    life: (packed[PLACE.life] as readonly PackedLife[]).map((life) =>
      typeof life === 'number' ? { ...marks[life]!, v: 'live' } : { ...marks[life[0]]!, v: 'live', ...life[1] },
    ),
    cells: new Map(pairs<string, PackedCell>(cells).map(([path, cell]) => [path, unpackCell(marks, cell)])),
    counters: new Map(pairs<string, number>(counters)),
    ...(hot
      ? { hot: new Map(pairs<string, PackedEntry>(hot).map(([path, one]) => [path, unpackEntry(marks, one)])) }
      : {}),
  };
}

function unpackCell(marks: readonly Mark[], cell: PackedCell): readonly Entry[] {
  const all = typeof cell === 'object' && 'all' in cell ? cell.all : [cell];
  return all.map((entry) => unpackEntry(marks, entry));
}

function unpackEntry(marks: readonly Mark[], entry: PackedEntry): Entry {
  if (typeof entry === 'number') return marks[entry]!;
  const [mark, v, others, hasNone] = entry;
  return hasNone === 0 ? { ...marks[mark]!, ...others } : { ...marks[mark]!, v, ...others };
}

function readMark(text: string): Mark {
  const at = text.indexOf(' ');
  return { dot: text.slice(0, at), hlc: Number.parseInt(text.slice(at + 1), 36) };
}

/** Keys and values that stand in turn. */
function pairs<K, V>(items: readonly unknown[]): readonly (readonly [K, V])[] {
  return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i] as K, items[2 * i + 1] as V]);
}

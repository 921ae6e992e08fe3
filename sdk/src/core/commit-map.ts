/** From the maps that the app wants a row to have to the operations that say so: only the keys that change. */
import { jsonEqual, type Json } from '../lib/json.ts';
import type { Op } from './change.ts';
import { keyPath, mapOfPath, parsePath, type Path } from './paths.ts';
import type { RecordState } from './record.ts';
import { cellPred, setOp, type RecordWrite } from './record-write.ts';
import type { Row } from './view.ts';

type Values = Readonly<Record<string, Json>>;

export function mapOps(write: RecordWrite, shown: Row, next: Row, isNew: boolean): Op[] {
  const present = keysByField(write.current);
  const ops: Op[] = [];
  for (const field of new Set([...Object.keys(next), ...Object.keys(shown), ...present.keys()])) {
    if (field === 'id') continue;
    const mine = present.get(field) ?? [];
    if (write.schema.placeOf(field).kind === 'map') ops.push(...keyOps(write, field, mine, shown, next, isNew));
    else if (!Object.hasOwn(next, field)) ops.push(...mine.map((path) => removal(write, path)));
  }
  return ops;
}

function keyOps(write: RecordWrite, field: string, mine: readonly Path[], shown: Row, next: Row, isNew: boolean): Op[] {
  const { schema, current } = write;
  const before = isNew ? {} : valuesAt(shown, field);
  const values = valuesAt(next, field);
  if (!isNew && jsonEqual(before, values)) return [];
  const wanted = new Map(Object.entries(values).map(([key, value]) => [keyPath(field, key), { key, value }]));
  const ops: Op[] = [];
  for (const [path, { key, value }] of wanted) {
    const isHeld = !isNew && current?.cells.has(path) === true && Object.hasOwn(before, key);
    if (!isHeld || !jsonEqual(before[key], value)) ops.push(setOp(write, path, value));
  }
  ops.push(...mine.filter((path) => !wanted.has(path)).map((path) => removal(write, path)));
  // Keys taken over from a register of an older app: it would show through again when the last of them goes.
  const older = isNew ? undefined : current?.cells.get(field);
  if (older && schema.read(field, older).shown.v !== undefined) ops.push(setOp(write, field, undefined));
  return ops;
}

/** Observed: a value that this writer had not seen stays. */
function removal(write: RecordWrite, path: Path): Op {
  return { t: 'rm', p: path, pred: cellPred(write, path) };
}

function valuesAt(row: Row, field: string): Values {
  return Object.hasOwn(row, field) ? (row[field] as Values) : {};
}

function keysByField(current: RecordState | undefined): Map<string, Path[]> {
  const present = new Map<string, Path[]>();
  for (const path of current?.cells.keys() ?? []) {
    if (mapOfPath(path) === null) continue;
    const parsed = parsePath(path);
    if (parsed.kind === 'key') present.set(parsed.field, [...(present.get(parsed.field) ?? []), path]);
  }
  return present;
}

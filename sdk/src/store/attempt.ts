/** What a rejected write wanted, in terms of the row as it is now: shown to people, and written when it is tried again. */
import type { Op } from '../core/change.ts';
import { writeRecord } from '../core/commit.ts';
import { parsePath, VERSION_PATH } from '../core/paths.ts';
import type { RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { FIRST_VERSION, shapeMark, shownShape } from '../core/shape.ts';
import { isVisible, readCellRow, readRow, type Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { canonicalJson, jsonEqual, type Json } from '../lib/json.ts';
import { checkRow } from './check-row.ts';
import type { RejectedRow } from './layout.ts';
import type { RecordIntent } from './step.ts';

export interface Attempt {
  /** The fields that were written, as they would be; undefined: taken away. */
  readonly fields: Readonly<Record<string, Json | undefined>>;
  readonly isDelete: boolean;
  /** It made the row, or wrote it again. */
  readonly makesRow: boolean;
}

/**
 * In terms of the row as this version of the app shows it, whichever version wrote it. `record`: without the write;
 * counters and sets go on from what it shows.
 */
export function attemptOf(
  schema: CollectionSchema,
  { parts, rowId: id }: Pick<RejectedRow, 'parts' | 'rowId'>,
  record: RecordState | undefined,
): Attempt {
  const isThere = isShown(schema, record);
  if (!isOlder(schema, parts, record)) return wantedOf(parts, isThere ? readRow(schema, id, record) : undefined);
  const cells = isThere ? readCellRow(schema, id, record) : { id, ...schema.empty };
  const wanted = wantedOf(parts, cells);
  if (wanted.isDelete) return wanted;
  // As if the older version had written its cells just now.
  const mark = isThere ? shapeMark(record) : null;
  const { row, reason } = shownShape(schema, present({ ...cells, ...wanted.fields }), mark);
  if (reason !== undefined) return wanted;
  return { ...wanted, fields: changesOf(isThere ? readRow(schema, id, record) : { id }, row) };
}

/** Whether a version of the app wrote it whose rows migrate() changes. */
function isOlder(
  { version = FIRST_VERSION, migrate }: CollectionSchema,
  parts: RejectedRow['parts'],
  record: RecordState | undefined,
): boolean {
  if (!migrate) return false;
  const marks = parts
    .flatMap(({ rec }) => rec.ops)
    .flatMap((op) => (op.t === 'set' && op.p === VERSION_PATH ? op.v : []));
  const own = marks.at(-1) as { readonly v?: unknown } | undefined;
  const wroteIn = typeof own?.v === 'number' ? own.v : ((record && shapeMark(record)?.v) ?? FIRST_VERSION);
  return wroteIn < version;
}

function changesOf(before: Row, after: Row): Attempt['fields'] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...fields].filter((field) => !isSame(valueIn(before, field), valueIn(after, field)));
  return Object.fromEntries(changed.map((field) => [field, valueIn(after, field)]));
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return a === undefined || b === undefined ? a === b : jsonEqual(a, b);
}

function valueIn(row: Row, field: string): Json | undefined {
  return Object.hasOwn(row, field) ? row[field] : undefined;
}

function isShown(schema: CollectionSchema, record: RecordState | undefined): record is RecordState {
  return record !== undefined && record.life.length > 0 && isVisible(schema, record);
}

function present(fields: Readonly<Record<string, Json | undefined>>): Row {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

/** In the terms of the version that wrote it. `current`: the row that counters and sets go on from. */
export function wantedOf(parts: RejectedRow['parts'], current?: Row): Attempt {
  const fields: Record<string, Json | undefined> = {};
  let life: string | null = null;
  let makesRow = false;
  for (const op of parts.flatMap(({ rec }) => rec.ops)) {
    if (op.t === 'life') {
      life = op.v;
      makesRow ||= op.v === 'live';
      continue;
    }
    apply(fields, op, current);
  }
  return { fields: life === 'dead' ? {} : fields, isDelete: life === 'dead', makesRow };
}

/** Writes it again; `value`: fields to write instead of those that were rejected. Throws NOT_FOUND when the row to change is gone. */
export function retryIntent(
  schema: CollectionSchema,
  rejected: RejectedRow,
  value: Readonly<Record<string, Json | undefined>> | null,
): RecordIntent {
  const id = rejected.rowId;
  return {
    schema,
    id,
    change: (current, confirmed) => {
      const shown = isShown(schema, current) ? readRow(schema, id, current) : undefined;
      const { fields, isDelete, makesRow } = attemptOf(schema, rejected, current);
      if (isDelete && value === null) return writeRecord({ schema, id, current, confirmed, next: null });
      // One that was deleted and forgotten everywhere is not made again under its id: nobody could tell the two apart.
      const isForgotten = current === undefined && !isCreation(rejected);
      if (!shown && (!makesRow || isForgotten))
        throw new SkerryError('NOT_FOUND', `${schema.name}/${id} is not there any more; nothing was written.`);
      const next = checkRow(schema, present({ ...shown, ...(value ?? fields), id }));
      return writeRecord({ schema, id, current, confirmed, next });
    },
  };
}

/** Whether the row began with what was rejected. */
function isCreation({ parts }: RejectedRow): boolean {
  const ops = parts.flatMap(({ rec }) => rec.ops);
  return ops.some((op) => op.t === 'life' && op.v === 'live' && op.pred.length === 0);
}

function apply(
  fields: Record<string, Json | undefined>,
  op: Exclude<Op, { t: 'life' }>,
  current: Row | undefined,
): void {
  const parsed = parsePath(op.p);
  const known = (field: string): Json | undefined =>
    Object.hasOwn(fields, field)
      ? fields[field]
      : current && Object.hasOwn(current, field)
        ? current[field]
        : undefined;
  switch (parsed.kind) {
    case 'register':
      if (op.t === 'set') fields[parsed.field] = op.v;
      return;
    case 'group':
      if (op.t === 'set') for (const field of parsed.fields) fields[field] = memberOf(op.v, field);
      return;
    case 'element': {
      const before = known(parsed.field);
      const key = canonicalJson(parsed.element);
      const others = (Array.isArray(before) ? before : []).filter((element) => canonicalJson(element) !== key);
      fields[parsed.field] = op.t === 'add' ? [...others, parsed.element] : others;
      return;
    }
    case 'key': {
      const before = known(parsed.field);
      const { [parsed.key]: _replaced, ...others } = isMap(before) ? before : {};
      fields[parsed.field] = op.t === 'set' && op.v !== undefined ? { ...others, [parsed.key]: op.v } : others;
      return;
    }
    case 'hot':
      if (op.t === 'lww') fields[parsed.field] = op.v;
      return;
    case 'counter': {
      const before = known(parsed.field);
      if (op.t === 'inc') fields[parsed.field] = (typeof before === 'number' ? before : 0) + op.n;
      return;
    }
    case 'zero':
    case 'unknown':
      return;
  }
}

function memberOf(value: Json | undefined, field: string): Json | undefined {
  return isMap(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

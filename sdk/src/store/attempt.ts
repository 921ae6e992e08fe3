/** What a rejected write wanted, in terms of the row as it is now: shown to people, and written when it is tried again. */
import type { Op } from '../core/change.ts';
import { writeRecord } from '../core/commit.ts';
import { parsePath } from '../core/paths.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { isVisible, readRow, type Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
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

/** `current`: the row without the write; undefined when there is none. Counters and sets go on from it. */
export function attemptOf({ parts }: Pick<RejectedRow, 'parts'>, current: Row | undefined): Attempt {
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
      const isThere = current !== undefined && current.life.length > 0 && isVisible(schema, current);
      const shown = isThere ? readRow(schema, id, current) : undefined;
      const { fields, isDelete, makesRow } = attemptOf(rejected, shown);
      if (isDelete && value === null) return writeRecord({ schema, id, current, confirmed, next: null });
      if (!shown && !makesRow)
        throw new SkerryError('NOT_FOUND', `${schema.name}/${id} is not there any more; nothing was written.`);
      const next: Readonly<Record<string, Json | undefined>> = { ...shown, ...(value ?? fields), id };
      const present = Object.entries(next).filter((entry): entry is [string, Json] => entry[1] !== undefined);
      return writeRecord({ schema, id, current, confirmed, next: checkRow(schema, Object.fromEntries(present)) });
    },
  };
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

/** From the hot registers that the app wants a row to have to the operations that say so. */
import { jsonEqual, type Json } from '../lib/json.ts';
import type { Op } from './change.ts';
import type { Hlc } from './clock.ts';
import { hotPath, parsePath, type Path } from './paths.ts';
import { rankOf } from './record.ts';
import type { RecordWrite } from './record-write.ts';
import type { Row } from './view.ts';

/** No `pred`: the latest by clock stays, whatever it had seen. A row that is made again takes leave of every old value. */
export function hotOps(write: RecordWrite, shown: Row, next: Row, isNew: boolean): Op[] {
  const { schema, current } = write;
  const ops: Op[] = [];
  for (const field of new Set([...Object.keys(shown), ...Object.keys(next), ...hotFields(current)])) {
    if (field === 'id') continue;
    const { kind } = schema.placeOf(field);
    const path = hotPath(field);
    const value = Object.hasOwn(next, field) ? next[field] : undefined;
    const isChanged = !jsonEqual(Object.hasOwn(shown, field) ? shown[field] : undefined, value);
    const isHeld = current?.hot?.get(path)?.v !== undefined;
    if (kind === 'hot') {
      if (isChanged || (isNew && current?.hot?.has(path))) ops.push(hotOp(write, path, value));
    } else if (isHeld && (isNew || (isChanged && (kind === 'set' || kind === 'map')))) {
      // Of an older app: it would show through again when the last element or key goes, or in a row that is made again.
      ops.push(hotOp(write, path, undefined));
    }
  }
  return ops;
}

/** The value that a hot register gets; undefined: the field is absent. */
export function hotOp(write: Pick<RecordWrite, 'current' | 'confirmed'>, path: Path, value: Json | undefined): Op {
  const over = seenRank(write, path);
  return { t: 'lww', p: path, ...(value === undefined ? {} : { v: value }), ...(over === null ? {} : { over }) };
}

/**
 * What the write must rank above. This device's own clock orders its unsent writes, under whatever stamps they are sent in
 * the end; so of these only what they rank above themselves counts.
 */
function seenRank({ current, confirmed }: Pick<RecordWrite, 'current' | 'confirmed'>, path: Path): Hlc | null {
  const inLog = confirmed?.hot?.get(path);
  const shown = current?.hot?.get(path);
  const ranks = [...(inLog ? [rankOf(inLog)] : []), ...(shown?.over === undefined ? [] : [shown.over + 1])];
  return ranks.length === 0 ? null : Math.min(Math.max(...ranks), MOST);
}

/** Whoever writes that has left fairness behind; room is left to rank above it. */
const MOST = Number.MAX_SAFE_INTEGER - 1;

function hotFields(current: RecordWrite['current']): string[] {
  return [...(current?.hot?.keys() ?? [])].flatMap((path) => {
    const parsed = parsePath(path);
    return parsed.kind === 'hot' ? [parsed.field] : [];
  });
}

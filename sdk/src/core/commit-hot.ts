/** From the hot registers that the app wants a row to have to the operations that say so. */
import { jsonEqual } from '../lib/json.ts';
import type { Op } from './change.ts';
import { hotPath, parsePath } from './paths.ts';
import type { RecordWrite } from './record-write.ts';
import type { Row } from './view.ts';

/** No `pred`: the latest by clock stays, whatever it had seen. A row that is made again takes leave of every old value. */
export function hotOps({ schema, current }: RecordWrite, shown: Row, next: Row, isNew: boolean): Op[] {
  const ops: Op[] = [];
  for (const field of new Set([...Object.keys(shown), ...Object.keys(next), ...hotFields(current)])) {
    if (field === 'id') continue;
    const { kind } = schema.placeOf(field);
    const path = hotPath(field);
    const value = Object.hasOwn(next, field) ? next[field] : undefined;
    const isChanged = !jsonEqual(Object.hasOwn(shown, field) ? shown[field] : undefined, value);
    const isHeld = current?.hot?.get(path)?.v !== undefined;
    if (kind === 'hot') {
      if (isChanged || (isNew && current?.hot?.has(path)))
        ops.push({ t: 'lww', p: path, ...(value === undefined ? {} : { v: value }) });
    } else if (isHeld && (isNew || (isChanged && (kind === 'set' || kind === 'map')))) {
      // Of an older app: it would show through again when the last element or key goes, or in a row that is made again.
      ops.push({ t: 'lww', p: path });
    }
  }
  return ops;
}

function hotFields(current: RecordWrite['current']): string[] {
  return [...(current?.hot?.keys() ?? [])].flatMap((path) => {
    const parsed = parsePath(path);
    return parsed.kind === 'hot' ? [parsed.field] : [];
  });
}

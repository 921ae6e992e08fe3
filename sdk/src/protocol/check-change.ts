/**
 * The structural check of a change that came from somebody else: every field, before anything is done with it.
 *
 * It says nothing about order or rights; that is admission. Keys and kinds of operation that this version does not
 * know are accepted and kept, so that what a newer app wrote passes through.
 */
import type { Change, Op } from '../core/change.ts';
import { exceedsBytes } from '../lib/utf8.ts';
import { CHANGE } from './change-schema.ts';
import type { Limits } from './limits.ts';
import { findShapeProblem } from './shape.ts';
import { told } from './told.ts';

export type CheckedChange =
  | { readonly type: 'ok'; readonly change: Change }
  | { readonly type: 'bad'; readonly code: 'INVALID_CHANGE' | 'TOO_LARGE'; readonly reason: string };

/** `value` is fresh from JSON.parse. */
export function checkChange(value: unknown, limits: Limits): CheckedChange {
  const problem = findShapeProblem(value, CHANGE, limits, 'change');
  if (problem) return bad(problem.overLimit ? 'TOO_LARGE' : 'INVALID_CHANGE', `${problem.path} ${problem.reason}`);
  const change = value as Change;
  const repetition = findRepetition(change);
  if (repetition !== null) return bad('INVALID_CHANGE', repetition);
  if (change.recs.length === 0 && change.was === undefined) return bad('INVALID_CHANGE', 'change.recs is empty');
  if (exceedsBytes(JSON.stringify(change), limits.changeBytes)) {
    return bad('TOO_LARGE', `change is larger than ${limits.changeBytes} bytes`);
  }
  return { type: 'ok', change };
}

/** A record twice in one change, or a path twice in one record: their order would decide, and nothing keeps it. */
export function findRepetition(change: Change): string | null {
  const records = new Set<string>();
  for (const [i, record] of change.recs.entries()) {
    if (records.size === records.add(`${record.c}/${record.id}`).size) return `change.recs[${i}] names a record again`;
    const paths = new Set<string>();
    for (const [j, op] of record.ops.entries()) {
      const place = placeOf(op);
      if (place === null) continue;
      if (paths.size === paths.add(place).size) return `change.recs[${i}].ops[${j}] names a path again`;
    }
  }
  return null;
}

/** What an operation writes: a path, or the record's life. An unknown operation without a path says nothing about it. */
function placeOf(op: Op): string | null {
  if (op.t === 'life') return '';
  return 'p' in op ? op.p : null;
}

function bad(code: 'INVALID_CHANGE' | 'TOO_LARGE', reason: string): CheckedChange {
  return { type: 'bad', code, reason: told(reason) };
}

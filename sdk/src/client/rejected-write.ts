/** A write that the server did not take, as people decide about it: try it again, write something else, or forget it. */
import { msOf } from '../core/clock.ts';
import { SkerryError } from '../lib/errors.ts';
import { findJsonProblem, type Json } from '../lib/json.ts';
import { attemptOf, wantedOf } from '../store/attempt.ts';
import type { RejectedRow } from '../store/layout.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import { commitOf } from './commit.ts';
import { assertFits } from './fit-choice.ts';
import { copyFields, describe, isPlainObject } from './copy.ts';
import type { Place } from './place.ts';
import type { RejectedWrite } from './types.ts';
import { guarded } from './write-scope.ts';

type Choice = Parameters<LocalDatabase['settleRejected']>[1];

export async function rejectedWrite(context: Place, rejected: RejectedRow): Promise<RejectedWrite> {
  const { local, lifetime } = context;
  const { id, c, rowId, hlc, error } = rejected;
  const schema = local.schemas.get(c);
  const { fields, isDelete } = schema
    ? attemptOf(schema, rejected, await local.readSeen(c, rowId))
    : wantedOf(rejected.parts);
  return {
    kind: 'rejected',
    id,
    collection: c,
    rowId,
    detectedAt: new Date(msOf(hlc)),
    attempted: fields,
    action: isDelete ? 'delete' : 'write',
    error: new SkerryError(error.code, error.message),
    resolve: (choice) =>
      guarded(lifetime, async () => {
        const checked = checkChoice(choice);
        if (typeof checked === 'object') await assertFits(local, c, rowId, checked.value);
        const written = await local.settleRejected(rejected, checked);
        if (checked !== 'discard') return commitOf(context, undefined, written);
        return commitOf(context, undefined, written, () => local.keepRejected(rejected));
      }),
  };
}

function checkChoice(choice: unknown): Choice {
  if (choice === 'discard' || choice === 'retry') return choice;
  if (!isPlainObject(choice) || !('value' in choice))
    throw invalid(`resolve() takes 'discard', 'retry' or { value }; got ${describe(choice)}`);
  const value = copyFields(choice['value'], 'The value of resolve()');
  if (Object.keys(value).length === 0 || 'id' in value)
    throw invalid('value names the fields to write, without the id');
  for (const [field, part] of Object.entries(value)) {
    const problem = part === undefined ? null : findJsonProblem(part, field);
    if (problem) throw invalid(`${problem.path}: ${problem.reason}`);
  }
  return { value: value as Readonly<Record<string, Json | undefined>> };
}

function invalid(reason: string): SkerryError {
  return new SkerryError('INVALID_VALUE', `Nothing was decided: ${reason}.`);
}

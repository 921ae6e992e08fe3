/** The past of a row as this device knows it, and bringing a part of it back. */
import { msOf } from '../core/clock.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { checkId } from '../store/check-row.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import type { AuthoredRevision, StoredMeta } from '../store/read-history.ts';
import { isKept } from '../store/revisions.ts';
import { describe, isPlainObject } from './copy.ts';
import type { AnyRow } from './query-order.ts';
import type { RowTable } from './query-run.ts';
import type { Id, Revision, RowMeta } from './types.ts';

/** Newest first. */
export async function readRevisions(
  local: LocalDatabase,
  name: string,
  id: Id,
  options: unknown,
): Promise<Revision<AnyRow>[]> {
  const revisions = await local.readHistory(name, checkId(name, id), checkLimit(options));
  return revisions.map((revision) => revisionOf(local, revision));
}

/** Inside a transaction over the collection. */
export async function restoreRow(local: LocalDatabase, name: string, id: Id, revisionId: string): Promise<void> {
  const known = await local.readHistory(name, id, Infinity);
  const revision = known.find(({ mark }) => mark.dot === revisionId);
  if (!revision)
    throw new SkerryError(
      'NOT_FOUND',
      `The history of ${name}/${id} does not have the revision ${describe(revisionId)}, or not any more.`,
    );
  if (!revision.row)
    throw new SkerryError('INVALID_VALUE', `${name}/${id} was deleted by this revision: delete() does that again.`);
  const table = local.dexie.table(name) as RowTable;
  await table.put({ ...unkeptOf(local, name, await table.get(id)), ...revision.row } as AnyRow);
}

export function checkRevision(name: string, revision: unknown): string {
  const id = isPlainObject(revision) ? revision['id'] : revision;
  if (typeof id === 'string' && id !== '') return id;
  throw new SkerryError(
    'INVALID_VALUE',
    `${name}: restore() takes a revision of history(), or its id; got ${describe(revision)}.`,
  );
}

export async function readRowMeta(local: LocalDatabase, name: string, id: Id): Promise<RowMeta> {
  const { latest, writer, isPending, conflicts }: StoredMeta = await local.readMeta(name, id);
  return {
    author: writer?.user ?? null,
    device: writer?.device ?? null,
    at: latest ? new Date(msOf(latest.hlc)) : null,
    here: writer?.device.id === local.deviceId,
    pending: isPending,
    conflicts,
  };
}

function revisionOf(local: LocalDatabase, revision: AuthoredRevision): Revision<AnyRow> {
  const { mark, action, state, fields, values, row, writer, isPending } = revision;
  return {
    id: mark.dot,
    action,
    state,
    fields: fields as Revision<AnyRow>['fields'],
    values: values as Revision<AnyRow>['values'],
    row: row as Revision<AnyRow>['row'],
    user: writer?.user ?? null,
    device: writer?.device ?? null,
    at: new Date(msOf(mark.hlc)),
    here: writer?.device.id === local.deviceId,
    pending: isPending,
  };
}

/** What no history has: hot fields and those of this device stay as they are. */
function unkeptOf(local: LocalDatabase, name: string, row: Row | undefined): Row {
  const schema = local.schemas.get(name)!;
  return Object.fromEntries(Object.entries(row ?? {}).filter(([field]) => field !== 'id' && !isKept(schema, field)));
}

function checkLimit(options: unknown): number {
  if (options === undefined) return Infinity;
  const limit = isPlainObject(options) ? (options['limit'] ?? Infinity) : null;
  if (limit === Infinity || (Number.isSafeInteger(limit) && (limit as number) > 0)) return limit as number;
  throw new SkerryError(
    'INVALID_OPTION',
    `history(): limit must be a whole number from 1; got ${describe(isPlainObject(options) ? limit : options)}.`,
  );
}

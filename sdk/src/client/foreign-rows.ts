/**
 * Rows that arrived from elsewhere and do not fit the schema of their collection: another version of the app, or a peer
 * without one, wrote them. They are kept and shown as they are; the developer is told, once a row as an event and once a
 * collection in the log.
 */
import { issuesError, type RowValidator } from '../store/given-row.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import type { Lifetime } from './lifetime.ts';
import type { AnyRow } from './query-order.ts';
import type { Logger, SyncEvent } from './types.ts';

/** So many rows are looked at without a pause: a first sync may bring thousands. */
const SLICE = 100;
/** Rows that were told about and are remembered, so that they are not told again. */
const MAX_TOLD = 10_000;

export interface ForeignRowsOptions {
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  readonly validators: ReadonlyMap<string, RowValidator>;
  readonly logger: Logger | undefined;
  tell(event: SyncEvent): void;
}

/** Takes the ids of rows that were changed from elsewhere. */
export function createForeignRows({
  local,
  lifetime,
  validators,
  logger,
  tell,
}: ForeignRowsOptions): (touched: Readonly<Record<string, readonly string[]>>) => void {
  const waiting = new Map<string, Set<string>>();
  const told = new Set<string>();
  const logged = new Set<string>();
  let isRunning = false;

  const look = (collection: string, row: AnyRow): void => {
    const issues = issuesOf(validators.get(collection)!, row);
    const key = `${collection}/${row.id}`;
    if (!issues) return void told.delete(key);
    if (told.size >= MAX_TOLD) told.clear();
    if (told.size === told.add(key).size) return;
    const error = issuesError(collection, issues, `The row ${row.id} that came from elsewhere`);
    if (logged.size < logged.add(collection).size)
      logger?.error(`${error.message} It is shown as it is; further ones are in events$ only.`, error);
    tell({ type: 'row-invalid', at: new Date(), collection, rowId: row.id, error });
  };
  const run = async (): Promise<void> => {
    for (let next = takeSlice(waiting); next && !lifetime.isClosed; next = takeSlice(waiting)) {
      const { collection, ids } = next;
      const rows = (await local.dexie.table(collection).bulkGet(ids)) as (AnyRow | undefined)[];
      for (const row of rows) if (row) look(collection, row);
      await new Promise((resolve) => setTimeout(resolve));
    }
  };

  return (touched) => {
    for (const [collection, ids] of Object.entries(touched)) {
      if (!validators.has(collection)) continue;
      const known = waiting.get(collection) ?? new Set();
      waiting.set(collection, known);
      for (const id of ids) known.add(id);
    }
    if (isRunning || waiting.size === 0) return;
    isRunning = true;
    run()
      .catch((error: unknown) => {
        if (!lifetime.isClosed) logger?.error('looking at rows from elsewhere failed', error);
      })
      .finally(() => (isRunning = false));
  };
}

/** A schema that throws about a row says that it does not fit. */
function issuesOf(validate: RowValidator, row: AnyRow): Parameters<typeof issuesError>[1] | undefined {
  try {
    return validate(row).issues;
  } catch (error) {
    return [{ path: [], message: error instanceof Error ? error.message : String(error) }];
  }
}

function takeSlice(waiting: Map<string, Set<string>>): { collection: string; ids: string[] } | null {
  const [first] = waiting;
  if (!first) return null;
  const [collection, all] = first;
  const ids = [...all].slice(0, SLICE);
  for (const id of ids) all.delete(id);
  if (all.size === 0) waiting.delete(collection);
  return { collection, ids };
}

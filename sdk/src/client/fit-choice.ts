/** What a person decides about a conflict is a write of this device, which has to fit the schema like any other. */
import { issuesError } from '../store/given-row.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import type { Fields } from './copy.ts';

/**
 * Throws INVALID_VALUE when `fields`, over the row as it is, do not fit the schema of the collection: only what is wrong
 * with them, not with the rest of the row. Choosing a version that is there already is never refused. Defaults and
 * transforms are not applied: what was decided is what is written.
 */
export async function assertFits(
  local: LocalDatabase,
  collection: string,
  rowId: string,
  fields: Readonly<Fields>,
): Promise<void> {
  const validate = local.validators.get(collection);
  if (!validate) return;
  const row = { ...(await local.readRecord(collection, rowId)), ...fields, id: rowId };
  const present = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
  const issues = validate(present).issues?.filter(({ path: [field] }) => field !== undefined && field in fields);
  if (issues && issues.length > 0) throw issuesError(collection, issues, 'What was decided about a row');
}

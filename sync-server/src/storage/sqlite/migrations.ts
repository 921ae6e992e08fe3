/**
 * Brings a database file to the present schema, one transaction per step; `user_version` counts the steps done. A file
 * from a newer server is refused and not touched.
 */
import type { Database } from 'better-sqlite3';

import { StorageError } from '../port.ts';
import { sql as log } from './migrations/0001-log.sql.ts';

/** In order; never changed once released, only added to. */
const STEPS: readonly string[] = [log];

export function migrate(database: Database): void {
  const done = database.pragma('user_version', { simple: true }) as number;
  if (done > STEPS.length) {
    throw new StorageError(
      'broken',
      `the database is of version ${done}, this server knows ${STEPS.length}: update the server`,
    );
  }
  for (let step = done; step < STEPS.length; step++) {
    database.transaction(() => {
      database.exec(STEPS[step]!);
      database.pragma(`user_version = ${step + 1}`);
    })();
  }
}

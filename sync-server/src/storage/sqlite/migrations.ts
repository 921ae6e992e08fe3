/**
 * Brings a database file to the present schema in one transaction; `user_version` counts the steps done. A file from a newer
 * server is refused and not touched.
 */
import type { Database } from 'better-sqlite3';

import type { Logger } from '../../log.ts';
import { StorageError } from '../port.ts';
import { sql as log } from './migrations/0001-log.sql.ts';
import { sql as records } from './migrations/0002-records.sql.ts';
import { sql as sizes } from './migrations/0003-sizes.sql.ts';
import { sql as access } from './migrations/0004-access.sql.ts';
import { replayLog } from './replay.ts';

/** In order; never changed once released, only added to. */
const STEPS: readonly string[] = [log, records, sizes, access];

/** Of a database of this server. */
export const schemaVersion = STEPS.length;

export function migrate(database: Database, logger?: Logger): void {
  const done = database.pragma('user_version', { simple: true }) as number;
  if (done > STEPS.length) {
    throw new StorageError(
      'broken',
      `the database is of version ${done}, this server knows ${STEPS.length}: update the server`,
    );
  }
  if (done === STEPS.length) return;
  database.transaction(() => {
    for (const step of STEPS.slice(done)) database.exec(step);
    // With the code of today, so after the last step.
    if (done < 2) replayLog(database, logger);
    database.pragma(`user_version = ${STEPS.length}`);
  })();
}

/**
 * The one place where foreign errors become a SkerryError: everything that leaves the client has a code that says
 * what to do.
 */
import { causesOf, errorName } from '../lib/causes.ts';
import { SkerryError, type ErrorCode } from '../lib/errors.ts';

/** IndexedDB's and Dexie's error names that mean more to a caller than "storage failed". */
const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  QuotaExceededError: ['QUOTA', 'The browser has no space left for this write.'],
  ConstraintError: ['ALREADY_EXISTS', 'A row with this id exists.'],
  DatabaseClosedError: ['CLOSED', 'The database was closed.'],
  PrematureCommitError: [
    'TRANSACTION_ENDED',
    'The browser ended the transaction while its function was still running.',
  ],
  TransactionInactiveError: ['TRANSACTION_ENDED', 'The transaction has ended.'],
  DataCloneError: ['INVALID_VALUE', 'A value cannot be copied into the database.'],
};

export function asSkerryError(error: unknown): SkerryError {
  const chain = causesOf(error);
  const ours = chain.find((cause) => cause instanceof SkerryError);
  if (ours) return ours;
  for (const cause of chain) {
    const known = CODES[errorName(cause)];
    if (known) return new SkerryError(known[0], known[1], { cause: error });
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new SkerryError('STORAGE_FAILED', `The database failed (${detail}).`, { cause: error });
}

/**
 * What an error of IndexedDB says about the connection. Browsers close connections under a running page: site data is
 * cleared, the storage process dies, WebKit loses its database server. The old connection then fails for ever with
 * errors that look like many others, and a new one works.
 */
import { causesOf, errorName } from '../lib/causes.ts';
import { SkerryError, type ErrorCode } from '../lib/errors.ts';

/** `lost`: the connection is of no use any more. `aborted`: the browser undid the transaction, for no reason of ours. */
export type Trouble = 'lost' | 'aborted';

/** Codes under which an error of the database passed through a call of the app. */
const ECHOES: ReadonlySet<ErrorCode> = new Set(['STORAGE_FAILED', 'CLOSED', 'TRANSACTION_ENDED']);
const LOST: ReadonlySet<string> = new Set([
  'InvalidStateError',
  'UnknownError',
  'DatabaseClosedError',
  'OpenFailedError',
]);
/** Whatever else is in the chain: these have a meaning of their own, and another try would end alike. */
const FINAL: ReadonlySet<string> = new Set([
  'QuotaExceededError',
  'ConstraintError',
  'DataError',
  'DataCloneError',
  'VersionError',
  'NotFoundError',
  'MissingAPIError',
  'SecurityError',
  'PrematureCommitError',
]);

export function troubleOf(error: unknown): Trouble | null {
  const chain = causesOf(error);
  if (chain.some((cause) => cause instanceof SkerryError && !ECHOES.has(cause.code))) return null;
  const names = chain.map(errorName);
  if (names.some((name) => FINAL.has(name))) return null;
  if (names.some((name) => LOST.has(name))) return 'lost';
  return names.includes('AbortError') ? 'aborted' : null;
}

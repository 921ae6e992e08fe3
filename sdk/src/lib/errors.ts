/**
 * The one error type that leaves the SDK and the server, with its closed list of codes.
 *
 * Inside the kernel an expected outcome is a value, never an exception; these are for the boundary, where a
 * person reads them. Every code says what its reader should do.
 */

export const ERROR_CODES = {
  INVALID_VALUE:
    'A value is not plain JSON data (finite numbers, well-formed strings, depth <= 64). Change the value; nothing was written.',
  INVALID_FIELD:
    'A field name cannot be used (empty, longer than 128 characters, contains / # or +, or is __proto__ or $version). Rename the field.',
  INVALID_ID: 'A row id is not a string of 1 to 256 characters. Let the SDK make the id, or pass a shorter one.',
  INVALID_SCHEMA: 'The collections passed to open() contradict themselves. The message names the place.',
  NOT_ADOPTABLE:
    "A database of this name holds rows that cannot become rows of Skerry as they are: ids must be strings in the primary key 'id', values plain JSON data. Nothing of it was changed. Convert them with migrate(old, 0), or with the code that wrote them; see 'Adopt a Dexie database' in the guide.",
  INVALID_OPTION: 'An option has the wrong shape. The message names it; nothing was opened or written.',
  INVALID_QUERY: 'A query names a field or a value that cannot be searched. The message names the place.',
  TOO_LARGE: 'A row or a transaction is larger than the limit. Split it; nothing was written.',
  UNKNOWN_COLLECTION: 'No collection of this name was passed to open(). Check the spelling, or add it.',
  NOT_FOUND: 'No row with this id exists here. It may have been deleted; read it again.',
  ALREADY_EXISTS: 'A row with this id exists. Use update(), or leave the id to the SDK.',
  CONFLICT_CHANGED:
    'The conflict, or what was to be undone, has changed since it was read; nothing was written. Look at what is there now.',
  CLOSED: 'The database handle was closed. Open it again.',
  TRANSACTION_ENDED:
    'A call was made outside of the transaction that it belongs to: after its end, or after awaiting something other than the database in it. The call wrote nothing. Await every call, and nothing else, inside its function.',
  ABORTED: 'The operation was given up because its signal was aborted. Nothing was written.',
  STORAGE_FAILED: 'The browser could not read or write its database. Nothing was saved; the cause has the details.',
  QUOTA: 'The browser has no space left for this site. Nothing was saved; free space and try again.',
  STORAGE_UNAVAILABLE:
    'The browser gives this page no database: private browsing, blocked site data, or no IndexedDB at all. Nothing can be saved here; tell the person, and use an ordinary window.',
  STORAGE_BLOCKED:
    'The database does not open, because another tab or program holds it. Nothing is lost; close the other tabs of this app, then open again.',
  STORAGE_NEWER:
    'The database was written by a newer version of the SDK. Nothing was changed, and what is unsent is kept; load the newer version of the app.',
  TIMEOUT: 'The awaited state was not reached in time. Nothing is lost; wait again or look at status$.',
  NO_SERVER:
    'The database was opened without sync: there is no server that could confirm anything. Pass sync to open(), or do not wait; what was written is saved.',
  OFFLINE: 'The server cannot be reached. Changes are kept on this device and are sent when it can.',
  AUTH_REQUIRED: 'The server wants a valid token. Changes are kept; provide a token to go on.',
  FORBIDDEN:
    'The server does not let this user do this: ask for access. Where users sign in, user.id of open() has to be the one that the token names.',
  ACCESS_REVOKED:
    "This user is no longer a member of the space, or this device was signed out. What was not sent is kept, and can be exported; see 'Losing access' in the guide.",
  UPGRADE_REQUIRED:
    'This version of the SDK and the server do not understand each other. Update the older one; local work goes on.',
  BAD_FRAME: 'A peer sent something that is not a frame of the protocol. Report it with the message.',
  OUT_OF_ORDER: 'A peer sent a frame that the protocol does not allow at this point. Report it with the message.',
  RATE_LIMITED: 'Too much in too short a time. The SDK slows down by itself.',
  CLOCK: 'This device is ahead of the server by more than the bound. The SDK corrects its stamps by itself.',
  BEHIND: 'The server lacks changes that this one depends on. The SDK waits for it by itself.',
  GAP: 'The server misses an earlier change of the same writer. The SDK sends it again by itself.',
  GONE: 'A change edits a row that was deleted and forgotten everywhere. The SDK keeps what was written as a recovered copy.',
  LIMBO: 'A change edits a row whose delete is being forgotten. The SDK waits until every server has agreed.',
  EQUIVOCATION:
    'Two different changes carry the same identity. The server kept the first; what was written here is kept in conflicts$ until somebody decides. Report this.',
  INVALID_CHANGE:
    'The server refused a change because its shape is wrong. What was written is kept in conflicts$ until somebody decides; report this.',
  WITHDRAWN:
    'A copy of this profile was refused a change and took it back. What was written here is kept in conflicts$ until somebody decides.',
  SERVER_REPLACED:
    "The server lost its history or is another one than before. Nothing was deleted here, and nothing is sent; see 'A server that lost its data' in the guide.",
  POLICY_FAILED:
    'A merge function threw, is missing in a context, or gave an answer that is not plain data. Its field is asked about; nothing is lost. Fix the function, and try it with testMerge().',
  DIVERGED:
    'What this device holds is not what the log says, because of a damaged disk or a bug. The SDK fetches it anew by itself and keeps what it replaces; report this.',
  STORAGE_FULL: 'The server has no space left. Changes are kept on this device.',
  SHUTTING_DOWN: 'The server is restarting. The SDK reconnects by itself.',
  INTERNAL: 'Something failed that never should. Report it with the message; nothing was acknowledged.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  'CONFLICT_CHANGED',
  'TIMEOUT',
  'OFFLINE',
  'RATE_LIMITED',
  'CLOCK',
  'BEHIND',
  'GAP',
  'LIMBO',
  'DIVERGED',
  'STORAGE_FULL',
  'SHUTTING_DOWN',
  'QUOTA',
  'STORAGE_BLOCKED',
]);

export class SkerryError extends Error {
  readonly code: ErrorCode;
  /** Whether the same call can succeed later without being changed. */
  readonly retryable: boolean;
  /** What the reader should do: the documented meaning of the code. */
  readonly hint: string;
  /** Of INVALID_VALUE by a schema: everything that is wrong with the row, each with its place in it. */
  readonly issues?: readonly { readonly path: readonly (string | number)[]; readonly message: string }[];

  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly issues?: NonNullable<SkerryError['issues']> },
  ) {
    super(message, options);
    if (options?.issues) this.issues = options.issues;
    this.name = 'SkerryError';
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.hint = ERROR_CODES[code];
  }
}

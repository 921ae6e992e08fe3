/** What a failure of PostgreSQL, or of the way to it, means to the server. Anything else is a bug of ours and stays what it is. */
import pg from 'pg';

import { StorageError, type StorageErrorKind } from '../port.ts';

/** A failure that says whether the same may be tried again, and whether on the same connection. */
export class PostgresFailure extends StorageError {
  /** What failed had no lasting effect, or one that trying again finds. */
  readonly isPassing: boolean;
  /** The connection is gone, or leads to a server that cannot help. */
  readonly isLost: boolean;

  constructor(kind: StorageErrorKind, message: string, options: FailureOptions) {
    super(kind, message, { cause: options.cause });
    this.isPassing = options.isPassing ?? false;
    this.isLost = options.isLost ?? false;
  }
}

interface FailureOptions {
  readonly cause: unknown;
  readonly isPassing?: boolean;
  readonly isLost?: boolean;
}

type Verdict = Omit<FailureOptions, 'cause'> & { readonly kind: StorageErrorKind; readonly words: string };

const AGAIN: Verdict = { kind: 'busy', words: 'the database is busy', isPassing: true };
const ELSEWHERE: Verdict = { kind: 'busy', words: 'the database cannot be reached', isPassing: true, isLost: true };
const STANDBY: Verdict = { kind: 'busy', words: 'the database takes no writes', isPassing: true, isLost: true };
const FULL: Verdict = { kind: 'full', words: 'the database has no space left' };
const BROKEN: Verdict = { kind: 'broken', words: 'the disk of the database failed' };

/** By SQLSTATE, or by the class that its first two characters are. */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  // Of two transactions one had to give way.
  '40001': AGAIN,
  '40P01': AGAIN,
  // A lock was waited for, or a statement ran, for too long.
  '55P03': AGAIN,
  '57014': AGAIN,
  '53200': AGAIN,
  // The session was ended by the server, which is going down, coming up, or tired of an idle transaction.
  '57P01': ELSEWHERE,
  '57P02': ELSEWHERE,
  '57P03': ELSEWHERE,
  '57P05': ELSEWHERE,
  '25P03': ELSEWHERE,
  '53300': ELSEWHERE,
  '08': ELSEWHERE,
  // A pooler in between has given the session to somebody else, or a migration has changed what a statement reads.
  '26000': ELSEWHERE,
  '0A000': ELSEWHERE,
  // A standby, or a primary that has been told to take no more: the next connection may find the new one.
  '25006': STANDBY,
  '53100': FULL,
  '58030': BROKEN,
  XX001: BROKEN,
  XX002: BROKEN,
};

/** Of an error that the driver gave. */
export function failureOf(cause: unknown): unknown {
  // Without an answer of the server it is the connection that failed.
  if (!(cause instanceof pg.DatabaseError)) return failure(ELSEWHERE, codeOf(cause), cause);
  const code = cause.code ?? '';
  // Two nodes were the first to write to a space; the one that lost finds the other's row when it tries again.
  if (code === '23505' && cause.constraint === 'spaces_pkey') return failure(AGAIN, code, cause);
  const verdict = VERDICTS[code] ?? VERDICTS[code.slice(0, 2)];
  return verdict ? failure(verdict, code, cause) : cause;
}

function failure({ kind, words, ...rest }: Verdict, code: string, cause: unknown): PostgresFailure {
  return new PostgresFailure(kind, code === '' ? words : `${words} (${code})`, { ...rest, cause });
}

/** Never the message: it may name what was being written. */
function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

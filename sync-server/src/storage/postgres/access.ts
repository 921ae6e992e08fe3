/** The rows of who may do what. Whoever changes them holds the row with their number, so changes have one order. */
import { hash } from 'node:crypto';

import type { AccessChange, AccessRow, AccessRows } from '../access-rows.ts';
import type { Session } from './sessions.ts';
import type { Statements } from './statements.ts';

export interface AccessHost {
  readonly statements: Statements;
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** In a transaction that is durable when it resolves; done again when the database asks for it. */
  write<T>(work: (session: Session) => Promise<T>): Promise<T>;
}

interface Version {
  readonly version: number;
}

export function postgresAccess({ statements, read, write }: AccessHost): AccessRows {
  return {
    get: (scope, key) => read((session) => getRow(session, statements, scope, key)),
    list: (scope) => read((session) => listRows(session, statements, scope)),
    version: () =>
      read(async (session) => {
        const [row] = await session.query<Version>(statements.accessVersion, []);
        return row!.version;
      }),
    since: (after, max) => read((session) => session.query<AccessRow>(statements.accessSince, [after, max])),
    change: (work) =>
      write(async (session) => {
        const [row] = await session.query<Version>(statements.lockAccess, []);
        const version = row!.version + 1;
        let isChanged = false;
        const change: AccessChange = {
          get: (scope, key) => getRow(session, statements, scope, key),
          list: (scope) => listRows(session, statements, scope),
          set: async (scope, key, text) => {
            isChanged = true;
            const name = [hashOf(scope), hashOf(key)];
            if (text === null) await session.change(statements.removeAccess, name);
            else await session.change(statements.setAccess, [...name, scope, key, text, version]);
          },
        };
        const result = await work(change);
        if (isChanged) await session.change(statements.countAccess, [String(version)]);
        return result;
      }),
  };
}

async function getRow(session: Session, { accessRow }: Statements, scope: string, key: string): Promise<string | null> {
  const [row] = await session.query<{ readonly text: string }>(accessRow, [hashOf(scope), hashOf(key)]);
  return row?.text ?? null;
}

function listRows(session: Session, { accessScope }: Statements, scope: string): Promise<readonly AccessRow[]> {
  return session.query<AccessRow>(accessScope, [hashOf(scope)]);
}

/** A key of an index has a limit that names may be beyond. */
export function hashOf(name: string): string {
  return hash('sha256', name, 'base64url');
}

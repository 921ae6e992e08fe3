/** The database and the person, for every component below. Opened once, before the first render. */
import { createContext, use, type ReactNode } from 'react';

import type { MergeLog } from '../merges/merge-log.ts';
import type { Identity } from './identity.ts';
import type { LostVersions } from './lost-versions.ts';
import type { DemoDb } from './schema.ts';

export interface Session {
  readonly db: DemoDb;
  readonly me: Identity;
  readonly lost: LostVersions;
  readonly merges: MergeLog;
}

const SessionContext = createContext<Session | null>(null);

export function SessionProvider(props: { readonly session: Session; readonly children: ReactNode }): ReactNode {
  return <SessionContext value={props.session}>{props.children}</SessionContext>;
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('useSession() outside of SessionProvider');
  return session;
}

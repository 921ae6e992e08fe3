/** What tests, other programs and style sheets can read off `<html>`. */
import { useSyncStatus } from '@skerry/sdk/react';
import { useLayoutEffect } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';

export function DocumentAttributes(): null {
  const { db } = useSession();
  const { connection, pending } = useSyncStatus(db);
  const { toDecide } = useOverview();
  useLayoutEffect(() => {
    const { dataset } = document.documentElement;
    dataset['connection'] = connection;
    dataset['pending'] = String(pending.changes);
    dataset['conflicts'] = String(toDecide);
  }, [connection, pending.changes, toDecide]);
  return null;
}

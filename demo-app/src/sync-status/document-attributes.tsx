/** What tests, other programs and style sheets can read off `<html>`. */
import { useSyncStatus } from '@skerry/sdk/react';
import { useLayoutEffect } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';

export function DocumentAttributes(): null {
  const { db } = useSession();
  const { connection, pending } = useSyncStatus(db);
  const { conflicts, doubleBookings } = useOverview();
  useLayoutEffect(() => {
    const { dataset } = document.documentElement;
    dataset['connection'] = connection;
    dataset['pending'] = String(pending.changes);
    dataset['conflicts'] = String(conflicts.length);
    dataset['doubleBookings'] = String(doubleBookings.length);
  }, [connection, pending.changes, conflicts.length, doubleBookings.length]);
  return null;
}

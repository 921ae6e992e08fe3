/** The history of an event. */
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { eventChanges } from './event-changes.ts';
import { HistoryList } from './history-list.tsx';

export function EventHistory({ eventId }: { readonly eventId: string }): ReactNode {
  const { db } = useSession();
  return (
    <HistoryList
      collection={db.events}
      rowId={eventId}
      thing="event"
      differences={eventChanges}
      restore={(revision) => db.transaction((tx) => tx.events.restore(eventId, revision))}
    />
  );
}

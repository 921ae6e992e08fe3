/** What is to be said of an event besides when and where: booked twice, not with the server yet, to decide. */
import { useMemo } from 'react';

import { useOverview } from '../data/overview.tsx';

export interface EventMarks {
  readonly isDoubled: boolean;
  readonly isWaiting: boolean;
  readonly isInConflict: boolean;
}

export function useEventMarks(): (eventId: string) => EventMarks {
  const { doubleBookings, waiting, conflicts } = useOverview();
  return useMemo(() => {
    const doubled = new Set(doubleBookings.flatMap(({ bookings }) => bookings.map(({ id }) => id)));
    const inConflict = new Set(conflicts.map(({ rowId }) => rowId));
    return (id) => ({ isDoubled: doubled.has(id), isWaiting: waiting.has(id), isInConflict: inConflict.has(id) });
  }, [doubleBookings, waiting, conflicts]);
}

/** For those who listen: 'booked twice', 'to decide'. */
export function spokenMarks({ isDoubled, isWaiting, isInConflict }: EventMarks): readonly string[] {
  return [isDoubled && 'booked twice', isWaiting && 'not confirmed yet', isInConflict && 'to decide'].filter(
    (mark) => mark !== false,
  );
}

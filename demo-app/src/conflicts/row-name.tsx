/** The name of a note or an event, as a link to it. */
import { useLiveOne } from '@skerry/sdk/react';
import type { ReactNode } from 'react';

import { toBooking } from '../calendar/booking.ts';
import { formatDay } from '../calendar/wall-time.ts';
import type { StoredEvent } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import { formatRoute, type Route } from '../shell/route.ts';

interface RowNameProps {
  readonly collection: string;
  readonly rowId: string;
}

export function RowName(props: RowNameProps): ReactNode {
  return props.collection === 'events' ? <EventName {...props} /> : <NoteName {...props} />;
}

function NoteName({ rowId }: RowNameProps): ReactNode {
  const { db } = useSession();
  const note = useLiveOne(db.notes, rowId);
  return <Name title={note?.title} to={{ page: 'notes', noteId: rowId }} />;
}

function EventName({ rowId }: RowNameProps): ReactNode {
  const { db } = useSession();
  const event = useLiveOne(db.events, rowId);
  return <Name title={event?.title} to={{ page: 'calendar', day: dayOf(event), eventId: rowId }} />;
}

function Name(props: { readonly title: string | undefined; readonly to: Route }): ReactNode {
  return <a href={formatRoute(props.to)}>‘{String(props.title ?? '').trim() || 'Untitled'}’</a>;
}

function dayOf(event: StoredEvent | null | undefined): string | null {
  const booking = event ? toBooking(event) : null;
  return booking && formatDay(booking.start);
}

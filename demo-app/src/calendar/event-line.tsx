/** One booking in a line: in the month and in the agenda. */
import type { ReactNode } from 'react';

import { ROOMS } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import { titleOf, type Booking } from './booking.ts';
import { bookerOf } from './double-booking-card.tsx';
import { EventIcons } from './event-icons.tsx';
import { spokenMarks, type EventMarks } from './event-marks.ts';
import { clockOf, startOfDay } from './wall-time.ts';

interface EventLineProps {
  readonly booking: Booking;
  readonly marks: EventMarks;
  readonly href: string;
  /** With room and booker, where there is the width for them. */
  readonly isWide: boolean;
}

export function EventLine({ booking, marks, href, isWide }: EventLineProps): ReactNode {
  const { me } = useSession();
  const booker = bookerOf(booking, me.user.id);
  const room = booking.room || 'No room';
  return (
    <a
      className="event event-line"
      data-testid="event"
      data-event-id={booking.id}
      data-room={ROOMS.indexOf(booking.room)}
      data-double={marks.isDoubled || undefined}
      data-waiting={marks.isWaiting || undefined}
      data-wide={isWide || undefined}
      href={href}
    >
      <span className="event-when">
        {clockOf(booking.start)}
        {isWide && <>–{untilText(booking)}</>}
      </span>
      <span className="event-title">
        <EventIcons {...marks} />
        {titleOf(booking)}
      </span>
      <span className={isWide ? 'event-facts' : 'visually-hidden'}>
        {[room, booker, ...spokenMarks(marks)].join(' · ')}
      </span>
    </a>
  );
}

/** '11:00'; '11:00, next day' when it ends on another one. */
function untilText({ start, end }: Booking): string {
  return startOfDay(start) === startOfDay(end - 1) ? clockOf(end) : `${clockOf(end)}, another day`;
}

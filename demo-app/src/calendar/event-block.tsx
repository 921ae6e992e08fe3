/** One booking on a time grid. */
import type { CSSProperties, ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { ROOMS } from '../data/schema.ts';
import { titleOf } from './booking.ts';
import { bookerOf } from './double-booking-card.tsx';
import { EventIcons } from './event-icons.tsx';
import { spokenMarks, type EventMarks } from './event-marks.ts';
import { clockOf, spanLabel } from './wall-time.ts';
import type { Piece } from './week-layout.ts';

interface EventBlockProps {
  readonly piece: Piece;
  readonly marks: EventMarks;
  readonly href: string;
}

export function EventBlock({ piece, marks, href }: EventBlockProps): ReactNode {
  const { me } = useSession();
  const { booking } = piece;
  const { isDoubled, isWaiting } = marks;
  const booker = bookerOf(booking, me.user.id);
  const spoken = [
    booking.room,
    spanLabel(booking.start, booking.end),
    `booked by ${booker}`,
    ...spokenMarks(marks),
  ].filter(Boolean);
  const place = { '--from': piece.from, '--to': piece.to, '--column': piece.column, '--columns': piece.columns };
  return (
    <li className="event-place" style={place as CSSProperties}>
      <a
        className="event"
        data-testid="event"
        data-event-id={booking.id}
        data-room={ROOMS.indexOf(booking.room)}
        data-double={isDoubled || undefined}
        data-waiting={isWaiting || undefined}
        data-short={piece.to - piece.from <= 30 || undefined}
        href={href}
      >
        <span className="event-title">
          <EventIcons {...marks} />
          {titleOf(booking)}
        </span>
        {/* What the eye is told in as little space as there is. */}
        <span className="visually-hidden">, {spoken.join(', ')}</span>
        <span className="event-when" aria-hidden>
          {clockOf(booking.start)}
          <span className="event-until">–{clockOf(booking.end)}</span>
          <span className="event-where">{booking.room || 'No room'}</span>
        </span>
        {isDoubled && (
          <span className="event-who" aria-hidden>
            {booker}
          </span>
        )}
        {isWaiting && (
          <span className="event-note" aria-hidden>
            not confirmed yet
          </span>
        )}
      </a>
    </li>
  );
}

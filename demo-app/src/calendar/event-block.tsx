/** One booking in the week. */
import { ArrowUpFromLine, GitFork, SquareSplitHorizontal } from 'lucide-react';
import type { CSSProperties, ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { ROOMS } from '../data/schema.ts';
import { formatRoute } from '../shell/route.ts';
import { titleOf } from './booking.ts';
import { bookerOf } from './double-booking-card.tsx';
import { clockOf, formatDay, spanLabel } from './wall-time.ts';
import type { Piece } from './week-layout.ts';

interface EventBlockProps {
  readonly piece: Piece;
  readonly isDoubled: boolean;
  readonly isWaiting: boolean;
  readonly isInConflict: boolean;
}

export function EventBlock({ piece, isDoubled, isWaiting, isInConflict }: EventBlockProps): ReactNode {
  const { me } = useSession();
  const { booking } = piece;
  const booker = bookerOf(booking, me.user.id);
  const spoken = [
    booking.room,
    spanLabel(booking.start, booking.end),
    `booked by ${booker}`,
    isDoubled && 'booked twice',
    isWaiting && 'not confirmed yet',
    isInConflict && 'to decide',
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
        href={formatRoute({ page: 'calendar', day: formatDay(booking.start), eventId: booking.id })}
      >
        <span className="event-title">
          {isDoubled && <SquareSplitHorizontal aria-hidden />}
          {isInConflict && <GitFork aria-hidden />}
          {isWaiting && <ArrowUpFromLine aria-hidden />}
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

/** A room that is booked twice: who, when, and the ways out, each one click. */
import type { RowMeta } from '@skerry/sdk';
import { useValue } from '@skerry/sdk/react';
import { CalendarClock, DoorOpen, Rows2, SquareSplitHorizontal, X } from 'lucide-react';
import { useMemo, type ReactNode } from 'react';

import { useDecide } from '../conflicts/use-decide.ts';
import type { Identity } from '../data/identity.ts';
import { useOverview } from '../data/overview.tsx';
import { ROOMS, type BookedBy } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import { authorOf, possessive } from '../ui/author.ts';
import { formatRoute } from '../shell/route.ts';
import { titleOf, type Booking } from './booking.ts';
import type { DoubleBooking } from './double-booking.ts';
import { suggest, type Suggestion } from './suggestions.ts';
import { clockOf, dayLabel, formatDay, formatWall, spanLabel, startOfDay } from './wall-time.ts';

interface DoubleBookingCardProps {
  readonly double: DoubleBooking;
  readonly onDecided: () => void;
}

export function DoubleBookingCard({ double, onDecided }: DoubleBookingCardProps): ReactNode {
  const { me } = useSession();
  const { bookings, waiting } = useOverview();
  const decide = useDecide(onDecided);
  const suggestions = useMemo(() => suggest(double, bookings, ROOMS, me.user.id), [double, bookings, me]);

  const moved = suggestions[0]?.booking;
  const all = double.bookings.length === 2 ? 'both' : 'all';

  const take = ({ booking, ...suggestion }: Suggestion): void => {
    const { start, end } = suggestion.kind === 'time' ? suggestion : booking;
    const room = suggestion.kind === 'room' ? suggestion.room : booking.room;
    const slot = { room, start: formatWall(start), end: formatWall(end) };
    const where = suggestion.kind === 'room' ? suggestion.room : spanLabel(suggestion.start, suggestion.end);
    void decide(`Moved ${titleOf(booking)} to ${where}`, () => double.resolve({ change: booking.id, to: slot }));
  };
  const cancel = (booking: Booking): void =>
    void decide(`Cancelled ${titleOf(booking)}`, () => double.resolve({ delete: booking.id }));
  const allow = (): void => void decide(`Kept ${all} bookings`, () => double.resolve('allow'));

  return (
    <div className="double-booking" data-testid="double-booking" data-room={double.room}>
      <div className="decision-head">
        <SquareSplitHorizontal aria-hidden />
        <h2>
          {double.room} is booked {double.bookings.length === 2 ? 'twice' : `${double.bookings.length} times`},{' '}
          {spanLabel(double.start, double.end)}
        </h2>
      </div>
      <ul className="versions">
        {double.bookings.map((booking) => (
          <li key={booking.id} className="version">
            <span className="byline">
              <Booker booking={booking} />
              {waiting.has(booking.id) && ' · not confirmed yet'}
            </span>
            <p className="version-value">
              <a href={formatRoute({ page: 'calendar', day: formatDay(booking.start), eventId: booking.id })}>
                {titleOf(booking)}
              </a>
              , {clockOf(booking.start)}–{clockOf(booking.end)}
            </p>
          </li>
        ))}
      </ul>
      <div className="decision-more">
        {moved && <p className="move-lead">Move ‘{titleOf(moved)}’:</p>}
        {suggestions.map((suggestion, index) => (
          <button
            key={suggestion.kind === 'room' ? suggestion.room : 'time'}
            type="button"
            className="button"
            data-testid="suggestion"
            data-kind={suggestion.kind}
            onClick={() => take(suggestion)}
          >
            {suggestion.kind === 'room' ? <DoorOpen aria-hidden /> : <CalendarClock aria-hidden />}
            <WayOut isFirst={index === 0}>{suggestionLabel(suggestion)}</WayOut>
          </button>
        ))}
        <div className="cancel-ways">
          {double.bookings.map((booking, index) => (
            <button
              key={booking.id}
              type="button"
              className="button quiet"
              data-testid="cancel-booking"
              onClick={() => cancel(booking)}
            >
              <X aria-hidden />
              <WayOut isFirst={suggestions.length + index === 0}>Cancel {whoseOf(booking, double, me.user.id)}</WayOut>
            </button>
          ))}
          <button type="button" className="button quiet" data-testid="allow-double-booking" onClick={allow}>
            <Rows2 aria-hidden /> Keep {all}
          </button>
        </div>
      </div>
    </div>
  );
}

/** The label of a button; of the first one that settles the double booking, other programs know it. */
function WayOut(props: { readonly isFirst: boolean; readonly children: ReactNode }): ReactNode {
  return props.isFirst ? <span data-testid="conflict-resolve">{props.children}</span> : props.children;
}

export function bookerOf(booking: Booking, myId: string): string {
  if (!booking.bookedBy) return 'Someone';
  return booking.bookedBy.id === myId ? 'You' : booking.bookedBy.name;
}

/** Who booked it and where; of a booking that another program made without saying so, who wrote it last. */
function Booker({ booking }: { readonly booking: Booking }): ReactNode {
  const { db, me } = useSession();
  const meta = useValue<RowMeta | undefined>(useMemo(() => db.events.meta(booking.id), [db, booking.id]));
  const { bookedBy } = booking;
  const { name, device } = bookedBy
    ? authorOf({ user: bookedBy, device: { id: '', name: bookedBy.device }, here: isHere(bookedBy, me) }, me)
    : authorOf({ user: meta?.author ?? null, device: meta?.device ?? null, here: meta?.here ?? false }, me);
  return (
    <>
      <strong>{name}</strong> · {device}
    </>
  );
}

function isHere(bookedBy: BookedBy, me: Identity): boolean {
  return bookedBy.id === me.user.id && bookedBy.device === me.device.name;
}

function suggestionLabel(suggestion: Suggestion): string {
  if (suggestion.kind === 'room') return `Take ${suggestion.room} (free)`;
  const isSameDay = startOfDay(suggestion.start) === startOfDay(suggestion.booking.start);
  return `Move to ${isSameDay ? '' : `${dayLabel(suggestion.start)} `}${clockOf(suggestion.start)}`;
}

/** 'yours', 'Bruno’s'; by its title when the person has booked both. */
function whoseOf(booking: Booking, double: DoubleBooking, myId: string): string {
  const booker = bookerOf(booking, myId);
  const isUnique = double.bookings.filter((other) => bookerOf(other, myId) === booker).length === 1;
  if (!isUnique || !booking.bookedBy) return `‘${titleOf(booking)}’`;
  return booker === 'You' ? 'yours' : possessive(booker);
}

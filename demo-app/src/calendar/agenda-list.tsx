/** What is coming, day after day, as a list. */
import type { ReactNode } from 'react';

import type { Booking } from './booking.ts';
import { EventLine } from './event-line.tsx';
import { useEventMarks } from './event-marks.ts';
import type { MonthDay } from './month-layout.ts';
import { dayTitle, startOfDay, type WallTime } from './wall-time.ts';

interface AgendaListProps {
  readonly days: readonly MonthDay[];
  readonly now: WallTime;
  readonly hrefOf: (booking: Booking) => string;
}

export function AgendaList({ days, now, hrefOf }: AgendaListProps): ReactNode {
  const marksOf = useEventMarks();
  if (days.length === 0) return <p className="calendar-empty">Nothing is booked in these four weeks.</p>;
  return (
    <div className="agenda" data-testid="agenda">
      {days.map(({ day, bookings }) => (
        <section key={day} aria-labelledby={`agenda-${day}`}>
          <h3 id={`agenda-${day}`} data-today={startOfDay(now) === day || undefined}>
            {dayTitle(day)}
            {startOfDay(now) === day && <span className="tag">today</span>}
          </h3>
          <ul>
            {bookings.map((booking) => (
              <li key={booking.id}>
                <EventLine booking={booking} marks={marksOf(booking.id)} href={hrefOf(booking)} isWide />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

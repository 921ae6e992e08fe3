/** A month: a table of weeks, in each day what happens on it. A day's number leads to that day. */
import type { ReactNode } from 'react';

import { count } from '../ui/relative-time.ts';
import type { Booking } from './booking.ts';
import { EventLine } from './event-line.tsx';
import { useEventMarks } from './event-marks.ts';
import type { MonthDay } from './month-layout.ts';
import { DAY, dayLabel, dayTitle, startOfDay, startOfWeek, type WallTime } from './wall-time.ts';

interface MonthTableProps {
  readonly weeks: readonly (readonly MonthDay[])[];
  readonly now: WallTime;
  readonly label: string;
  readonly hrefOf: (booking: Booking) => string;
  readonly hrefOfDay: (day: WallTime) => string;
}

/** More of a day would make its week taller than the others: the day itself has them. */
const SHOWN = 3;

export function MonthTable({ weeks, now, label, hrefOf, hrefOfDay }: MonthTableProps): ReactNode {
  const marksOf = useEventMarks();
  return (
    <table className="month" aria-label={label} data-testid="month">
      <thead>
        <tr>
          {weeks[0]?.map(({ day }) => (
            <th key={day} scope="col">
              {dayLabel(day).split(' ')[0]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeks.map((week) => (
          <tr key={week[0]?.day}>
            {week.map(({ day, isInMonth, bookings }) => (
              <td key={day} data-outside={!isInMonth || undefined} data-weekend={isWeekend(day) || undefined}>
                <a
                  className="month-day"
                  href={hrefOfDay(day)}
                  aria-current={startOfDay(now) === day ? 'date' : undefined}
                >
                  <span aria-hidden>{new Date(day).getUTCDate()}</span>
                  <span className="visually-hidden">
                    {dayTitle(day)}, {bookings.length} booked
                  </span>
                </a>
                <ul>
                  {bookings.slice(0, bookings.length > SHOWN + 1 ? SHOWN : SHOWN + 1).map((booking) => (
                    <li key={booking.id}>
                      <EventLine booking={booking} marks={marksOf(booking.id)} href={hrefOf(booking)} isWide={false} />
                    </li>
                  ))}
                </ul>
                {bookings.length > SHOWN + 1 && (
                  <a className="month-more" href={hrefOfDay(day)}>
                    {count(bookings.length - SHOWN, 'more', 'more')}
                    <span className="visually-hidden"> on {dayLabel(day)}</span>
                  </a>
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function isWeekend(day: WallTime): boolean {
  return day - startOfWeek(day) >= 5 * DAY;
}

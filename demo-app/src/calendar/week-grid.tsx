/**
 * The days side by side, each a list of links that stand where their time is. Solid is confirmed by the server, dashed is
 * only on this device so far, hatched is booked twice.
 */
import { Fragment, type CSSProperties, type MouseEvent, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import { EventBlock } from './event-block.tsx';
import { DAY, dayLabel, HOUR, MINUTE, startOfDay, type WallTime } from './wall-time.ts';
import type { DayLayout, HourRange } from './week-layout.ts';

interface WeekGridProps {
  readonly days: readonly DayLayout[];
  readonly hours: HourRange;
  readonly now: WallTime;
  /** Someone clicked into an empty place. */
  readonly onPick: (start: WallTime) => void;
}

export function WeekGrid({ days, hours, now, onPick }: WeekGridProps): ReactNode {
  const { doubleBookings, waiting, conflicts } = useOverview();
  const doubled = new Set(doubleBookings.flatMap(({ bookings }) => bookings.map(({ id }) => id)));
  const inConflict = new Set(conflicts.map(({ rowId }) => rowId));
  const range = Array.from({ length: hours.last - hours.first }, (_, index) => hours.first + index);
  const size = { '--hours': range.length, '--first-hour': hours.first, '--days': days.length } as CSSProperties;

  return (
    <div className="week" style={size} data-quiet-weekend={isQuietWeekend(days) || undefined}>
      <div className="week-corner" aria-hidden />
      <div className="week-hours" aria-hidden>
        {range.map((hour) => (
          <span key={hour}>{String(hour).padStart(2, '0')}:00</span>
        ))}
      </div>
      {days.map((layout) => {
        const isToday = startOfDay(now) === layout.day;
        const [weekday, number] = dayLabel(layout.day).split(' ');
        return (
          <Fragment key={layout.day}>
            <h3
              className="day-head"
              id={`day-${layout.day}`}
              data-today={isToday || undefined}
              aria-label={dayLabel(layout.day)}
            >
              {weekday} <strong>{number}</strong>
            </h3>
            <ol
              className="day"
              aria-labelledby={`day-${layout.day}`}
              onClick={(event) => pick(event, layout.day, hours, onPick)}
            >
              {layout.pieces.map((piece) => (
                <EventBlock
                  key={piece.booking.id}
                  piece={piece}
                  isDoubled={doubled.has(piece.booking.id)}
                  isWaiting={waiting.has(piece.booking.id)}
                  isInConflict={inConflict.has(piece.booking.id)}
                />
              ))}
              {isToday &&
                now >= layout.day + hours.first * HOUR &&
                now < layout.day + Math.min(DAY, hours.last * HOUR) && (
                  <li
                    className="now-line"
                    aria-hidden
                    style={{ '--from': (now - layout.day) / MINUTE } as CSSProperties}
                  />
                )}
            </ol>
          </Fragment>
        );
      })}
    </div>
  );
}

function isQuietWeekend(days: readonly DayLayout[]): boolean {
  return days.length === 7 && days.slice(5).every(({ pieces }) => pieces.length === 0);
}

/** A shortcut for the pointer; the keyboard has the button 'New event'. */
function pick(
  event: MouseEvent<HTMLElement>,
  day: WallTime,
  hours: HourRange,
  onPick: (start: WallTime) => void,
): void {
  if (event.target !== event.currentTarget) return;
  const { top, height } = event.currentTarget.getBoundingClientRect();
  const hour = hours.first + ((event.clientY - top) / height) * (hours.last - hours.first);
  onPick(day + Math.floor(hour * 2) * (HOUR / 2));
}

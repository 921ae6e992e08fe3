/**
 * Columns side by side (the days of a week, the rooms of a day), each a list of links that stand where their time is. Solid is
 * confirmed by the server, dashed is only on this device so far, hatched is booked twice.
 */
import { Fragment, type CSSProperties, type MouseEvent, type ReactNode } from 'react';

import type { Booking } from './booking.ts';
import { EventBlock } from './event-block.tsx';
import { useEventMarks } from './event-marks.ts';
import { DAY, HOUR, MINUTE, startOfDay, type WallTime } from './wall-time.ts';
import type { DayLayout, HourRange } from './week-layout.ts';

export interface Column extends DayLayout {
  readonly key: string;
  readonly heading: ReactNode;
  readonly label: string;
  /** Of the rooms of a day. */
  readonly room?: string;
}

interface TimeGridProps {
  readonly columns: readonly Column[];
  readonly hours: HourRange;
  readonly now: WallTime;
  readonly hrefOf: (booking: Booking) => string;
  /** Someone clicked into an empty place. */
  readonly onPick: (start: WallTime, room: string | undefined) => void;
  /** Columns that a narrow screen names otherwise. */
  readonly hasNamesElsewhere?: boolean;
  readonly isQuietAtTheEnd?: boolean;
}

export function TimeGrid(props: TimeGridProps): ReactNode {
  const { columns, hours, now, hrefOf, onPick } = props;
  const marksOf = useEventMarks();
  const range = Array.from({ length: hours.last - hours.first }, (_, index) => hours.first + index);
  const size = { '--hours': range.length, '--first-hour': hours.first, '--days': columns.length } as CSSProperties;

  return (
    <div
      className="week"
      style={size}
      data-quiet-weekend={props.isQuietAtTheEnd || undefined}
      data-no-heads={props.hasNamesElsewhere || undefined}
    >
      <div className="week-corner" aria-hidden />
      <div className="week-hours" aria-hidden>
        {range.map((hour) => (
          <span key={hour}>{String(hour).padStart(2, '0')}:00</span>
        ))}
      </div>
      {columns.map(({ key, day, pieces, heading, label, room }) => {
        const isToday = startOfDay(now) === day;
        return (
          <Fragment key={key}>
            <h3
              className="day-head"
              id={`column-${key}`}
              data-today={(isToday && room === undefined) || undefined}
              aria-label={label}
            >
              {heading}
            </h3>
            <ol
              className="day"
              aria-labelledby={`column-${key}`}
              onClick={(event) => pick(event, day, hours, (start) => onPick(start, room))}
            >
              {pieces.map((piece) => (
                <EventBlock
                  key={piece.booking.id}
                  piece={piece}
                  marks={marksOf(piece.booking.id)}
                  href={hrefOf(piece.booking)}
                />
              ))}
              {isToday && now >= day + hours.first * HOUR && now < day + Math.min(DAY, hours.last * HOUR) && (
                <li className="now-line" aria-hidden style={{ '--from': (now - day) / MINUTE } as CSSProperties} />
              )}
            </ol>
          </Fragment>
        );
      })}
    </div>
  );
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

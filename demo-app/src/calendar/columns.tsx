/** What stands side by side on a time grid: the days of a week, or the rooms on a day. */
import { ROOMS } from '../data/schema.ts';
import type { Booking } from './booking.ts';
import type { Column } from './time-grid.tsx';
import { DAY, dayLabel, type WallTime } from './wall-time.ts';
import { layoutDay, type DayLayout } from './week-layout.ts';

export function dayColumns(days: readonly DayLayout[]): readonly Column[] {
  return days.map((layout) => {
    const [weekday, number] = dayLabel(layout.day).split(' ');
    return {
      ...layout,
      key: String(layout.day),
      label: dayLabel(layout.day),
      heading: (
        <>
          {weekday} <strong>{number}</strong>
        </>
      ),
    };
  });
}

/** All rooms there are, and behind them whatever else is booked that day. */
export function roomColumns(bookings: readonly Booking[], day: WallTime): readonly Column[] {
  const today = bookings.filter(({ start, end }) => start < day + DAY && end > day);
  const others = new Set(today.map(({ room }) => room).filter((room) => !ROOMS.includes(room)));
  return [...ROOMS, ...[...others].toSorted()].map((room, index) => ({
    ...layoutDay(
      today.filter((booking) => booking.room === room),
      day,
    ),
    // It becomes an id of the page, which has no spaces.
    key: `room-${index}`,
    room,
    label: `${room || 'No room'}, ${dayLabel(day)}`,
    heading: room || 'No room',
  }));
}

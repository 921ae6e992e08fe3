/** A week of bookings, what is booked twice in it, and the dialog to make and change them. */
import { ChevronLeft, ChevronRight, Plus, Sparkles } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useAddSamples } from '../samples/use-add-samples.ts';
import { formatRoute, go, type Route } from '../shell/route.ts';
import { NARROW, useMedia } from '../ui/use-media.ts';
import { useNow } from '../ui/use-now.ts';
import { DayStrip } from './day-strip.tsx';
import { DoubleBookingCard } from './double-booking-card.tsx';
import { EventDialog, type NewSlot } from './event-dialog.tsx';
import { WeekGrid } from './week-grid.tsx';
import { hoursShown, layoutWeek } from './week-layout.ts';
import {
  DAY,
  formatDay,
  HOUR,
  monthLabel,
  parseWall,
  startOfDay,
  startOfWeek,
  wallFromDate,
  type WallTime,
} from './wall-time.ts';

/** More would push the week out of view; they are all on the page of decisions. */
const BANNERS = 2;

interface CalendarPageProps {
  /** Without a day it is today. */
  readonly place: Extract<Route, { page: 'calendar' }>;
}

export function CalendarPage({ place }: CalendarPageProps): ReactNode {
  const { bookings, doubleBookings } = useOverview();
  const addSamples = useAddSamples();
  const now = wallFromDate(useNow(30_000));
  const isNarrow = useMedia(NARROW);
  const [creating, setCreating] = useState<NewSlot | null>(null);

  const day = startOfDay(parseWall(place.day) ?? now);
  const weekStart = startOfWeek(day);
  const week = useMemo(() => layoutWeek(bookings, weekStart), [bookings, weekStart]);
  const doubles = doubleBookings.filter(({ start, end }) => start < weekStart + 7 * DAY && end > weekStart);
  const shown = isNarrow ? week.filter((layout) => layout.day === day) : week;

  const show = (to: WallTime): void => go({ page: 'calendar', day: formatDay(to), eventId: null });
  const step = (isNarrow ? 1 : 7) * DAY;

  return (
    <div className="page calendar">
      <div className="calendar-bar">
        <div className="stepper">
          <button
            type="button"
            className="icon-button"
            aria-label={isNarrow ? 'Previous day' : 'Previous week'}
            onClick={() => show(day - step)}
          >
            <ChevronLeft aria-hidden />
          </button>
          <button type="button" className="button" onClick={() => show(startOfDay(now))}>
            Today
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={isNarrow ? 'Next day' : 'Next week'}
            onClick={() => show(day + step)}
          >
            <ChevronRight aria-hidden />
          </button>
        </div>
        <h2 aria-live="polite">{monthLabel(day)}</h2>
        <button
          type="button"
          className="button primary"
          data-testid="new-event"
          onClick={() => setCreating({ start: nextHour(day, now) })}
        >
          <Plus aria-hidden /> New event
        </button>
      </div>
      {doubles.length > 0 && (
        <div className="banners">
          {doubles.slice(0, BANNERS).map((double) => (
            <section key={double.id} className="decision" aria-label={`${double.room} is booked twice`}>
              <DoubleBookingCard double={double} onDecided={focusNewEvent} />
            </section>
          ))}
          {doubles.length > BANNERS && (
            <a href={formatRoute({ page: 'conflicts' })}>{doubles.length - BANNERS} more to decide</a>
          )}
        </div>
      )}
      {isNarrow && <DayStrip week={week} day={day} onChoose={show} />}
      <WeekGrid days={shown} hours={hoursShown(week)} now={now} onPick={(start) => setCreating({ start })} />
      {bookings.length === 0 && (
        <p className="calendar-empty">
          Nothing is booked yet.{' '}
          <button type="button" className="button quiet" onClick={addSamples}>
            <Sparkles aria-hidden /> Add samples
          </button>
        </p>
      )}
      <EventDialog
        place={place}
        creating={creating}
        onClose={() => {
          setCreating(null);
          if (place.eventId !== null) show(day);
        }}
      />
    </div>
  );
}

/** Where a new event is proposed: the coming hour today, ten o'clock on another day. */
function nextHour(day: WallTime, now: WallTime): WallTime {
  const isToday = startOfDay(now) === day;
  return isToday ? Math.min(day + 22 * HOUR, Math.ceil((now + 1) / HOUR) * HOUR) : day + 10 * HOUR;
}

function focusNewEvent(): void {
  document.querySelector<HTMLElement>('[data-testid="new-event"]')?.focus();
}

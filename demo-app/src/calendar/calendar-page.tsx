/** The calendar: what is booked, laid out as one likes, what is booked twice in it, and the dialog to make and change bookings. */
import { ChevronLeft, ChevronRight, Plus, Sparkles } from 'lucide-react';
import { useState, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useAddSamples } from '../samples/use-add-samples.ts';
import { formatRoute, go, type CalendarLayout, type Route } from '../shell/route.ts';
import { NARROW, useMedia } from '../ui/use-media.ts';
import { useNow } from '../ui/use-now.ts';
import { AgendaList } from './agenda-list.tsx';
import { dayColumns, roomColumns } from './columns.tsx';
import { DayStrip } from './day-strip.tsx';
import { DoubleBookingCard } from './double-booking-card.tsx';
import { EventDialog, type NewSlot } from './event-dialog.tsx';
import { LayoutChoice } from './layout-choice.tsx';
import { layoutAgenda, layoutMonth } from './month-layout.ts';
import { MonthTable } from './month-table.tsx';
import { AGENDA_DAYS, periodOf } from './period.ts';
import { TimeGrid } from './time-grid.tsx';
import { hoursShown, isWeekendFree, layoutWeek } from './week-layout.ts';
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
  const { bookings } = useOverview();
  const addSamples = useAddSamples();
  const now = wallFromDate(useNow(30_000));
  const isNarrow = useMedia(NARROW);
  const [creating, setCreating] = useState<NewSlot | null>(null);

  const day = startOfDay(parseWall(place.day) ?? now);
  // On a phone a week is its days, one at a time.
  const layout = place.layout ?? (isNarrow ? 'day' : 'week');
  const period = periodOf(layout, day);
  const show = (to: WallTime): void => go({ ...here(place), day: formatDay(to), eventId: null });

  return (
    <div className="page calendar" data-layout={layout}>
      <div className="calendar-bar">
        <div className="stepper">
          <button
            type="button"
            className="icon-button"
            aria-label={`Previous ${period.unit}`}
            onClick={() => show(period.previous)}
          >
            <ChevronLeft aria-hidden />
          </button>
          <button type="button" className="button" onClick={() => show(startOfDay(now))}>
            Today
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={`Next ${period.unit}`}
            onClick={() => show(period.next)}
          >
            <ChevronRight aria-hidden />
          </button>
        </div>
        <h2 aria-live="polite">{isNarrow && layout === 'day' ? monthLabel(day) : period.title}</h2>
        <LayoutChoice place={place} />
        <button
          type="button"
          className="button primary"
          data-testid="new-event"
          onClick={() => setCreating({ start: nextHour(day, now) })}
        >
          <Plus aria-hidden /> New event
        </button>
      </div>
      <DoubleBookings day={day} />
      <Laid layout={layout} place={place} day={day} now={now} onShow={show} onCreate={setCreating} />
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

interface LaidProps {
  readonly layout: CalendarLayout | 'week';
  readonly place: CalendarPageProps['place'];
  readonly day: WallTime;
  readonly now: WallTime;
  readonly onShow: (day: WallTime) => void;
  readonly onCreate: (slot: NewSlot) => void;
}

function Laid({ layout, place, day, now, onShow, onCreate }: LaidProps): ReactNode {
  const { bookings } = useOverview();
  const isNarrow = useMedia(NARROW);
  // An event opens over what is shown, which stays where it is.
  const hrefOf = ({ id }: { readonly id: string }): string =>
    formatRoute({ ...here(place), day: formatDay(day), eventId: id });
  const onPick = (start: WallTime, room?: string): void => onCreate(room ? { start, room } : { start });

  if (layout === 'month')
    return (
      <MonthTable
        weeks={layoutMonth(bookings, day)}
        now={now}
        label={monthLabel(day)}
        hrefOf={hrefOf}
        hrefOfDay={(to) => formatRoute({ page: 'calendar', layout: 'day', day: formatDay(to), eventId: null })}
      />
    );
  if (layout === 'agenda')
    return <AgendaList days={layoutAgenda(bookings, day, AGENDA_DAYS)} now={now} hrefOf={hrefOf} />;
  if (layout === 'rooms') {
    const columns = roomColumns(bookings, day);
    return <TimeGrid columns={columns} hours={hoursShown(columns)} now={now} hrefOf={hrefOf} onPick={onPick} />;
  }
  const week = layoutWeek(bookings, startOfWeek(day));
  const days = layout === 'day' ? week.filter((one) => one.day === day) : week;
  return (
    <>
      {isNarrow && <DayStrip week={week} day={day} onChoose={onShow} />}
      <TimeGrid
        columns={dayColumns(days)}
        hours={hoursShown(week)}
        now={now}
        hrefOf={hrefOf}
        onPick={onPick}
        hasNamesElsewhere={isNarrow}
        isQuietAtTheEnd={isWeekendFree(days)}
      />
    </>
  );
}

/** Of the week that is shown, or that has the day. */
function DoubleBookings({ day }: { readonly day: WallTime }): ReactNode {
  const { doubleBookings } = useOverview();
  const weekStart = startOfWeek(day);
  const doubles = doubleBookings.filter(({ start, end }) => start < weekStart + 7 * DAY && end > weekStart);
  if (doubles.length === 0) return null;
  return (
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
  );
}

/** The layout without what is open in it. */
function here({ layout }: CalendarPageProps['place']): Pick<CalendarPageProps['place'], 'page' | 'layout'> {
  return { page: 'calendar', ...(layout && { layout }) };
}

/** Where a new event is proposed: the coming hour today, ten o'clock on another day. */
function nextHour(day: WallTime, now: WallTime): WallTime {
  const isToday = startOfDay(now) === day;
  return isToday ? Math.min(day + 22 * HOUR, Math.ceil((now + 1) / HOUR) * HOUR) : day + 10 * HOUR;
}

function focusNewEvent(): void {
  document.querySelector<HTMLElement>('[data-testid="new-event"]')?.focus();
}

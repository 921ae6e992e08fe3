/** How the calendar is laid out: links, so that each layout has an address and going back leads to the last one. */
import { CalendarDays, CalendarRange, DoorOpen, Grid3x3, List } from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';

import { formatRoute, type CalendarLayout, type Route } from '../shell/route.ts';
import { NARROW, useMedia } from '../ui/use-media.ts';

interface Choice {
  readonly layout: CalendarLayout | undefined;
  readonly name: string;
  readonly icon: ComponentType<{ 'aria-hidden': true }>;
}

const DAY: Choice = { layout: 'day', name: 'Day', icon: CalendarDays };
const WEEK: Choice = { layout: undefined, name: 'Week', icon: CalendarRange };
const OTHERS: readonly Choice[] = [
  { layout: 'rooms', name: 'Rooms', icon: DoorOpen },
  { layout: 'month', name: 'Month', icon: Grid3x3 },
  { layout: 'agenda', name: 'Agenda', icon: List },
];

/** On a phone a week is its days one at a time, which is the layout 'day' as well. */
export function LayoutChoice({ place }: { readonly place: Extract<Route, { page: 'calendar' }> }): ReactNode {
  const isNarrow = useMedia(NARROW);
  const choices = isNarrow ? [{ ...WEEK, name: 'Day' }, ...OTHERS] : [DAY, WEEK, ...OTHERS];
  const current = isNarrow && place.layout === 'day' ? undefined : place.layout;
  return (
    <nav className="segments layouts" aria-label="Layout">
      {choices.map(({ layout, name, icon: Icon }) => (
        <a
          key={name}
          className="segment"
          data-testid="calendar-layout"
          data-selected={layout === current || undefined}
          aria-current={layout === current ? 'page' : undefined}
          href={formatRoute({ page: 'calendar', ...(layout && { layout }), day: place.day, eventId: null })}
        >
          <Icon aria-hidden /> {name}
        </a>
      ))}
    </nav>
  );
}

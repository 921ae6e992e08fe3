/** On a phone: the seven days of the week to choose from, with a mark under those on which something happens. */
import type { ReactNode } from 'react';

import { dayLabel, type WallTime } from './wall-time.ts';
import type { DayLayout } from './week-layout.ts';

interface DayStripProps {
  readonly week: readonly DayLayout[];
  readonly day: WallTime;
  readonly onChoose: (day: WallTime) => void;
}

export function DayStrip({ week, day, onChoose }: DayStripProps): ReactNode {
  return (
    <div className="day-strip" role="group" aria-label="Day">
      {week.map((layout) => {
        const [name, number] = dayLabel(layout.day).split(' ');
        return (
          <button key={layout.day} type="button" aria-pressed={layout.day === day} onClick={() => onChoose(layout.day)}>
            <span className="visually-hidden">
              {dayLabel(layout.day)}, {layout.pieces.length} booked
            </span>
            <span aria-hidden>{name?.slice(0, 1)}</span>
            <strong aria-hidden>{number}</strong>
            <i data-busy={layout.pieces.length > 0 || undefined} />
          </button>
        );
      })}
    </div>
  );
}

/**
 * A quarter of meetings in three rooms: some every week, some every other week, and what comes up in between. A day's
 * meetings depend on the day alone, so two people who add them in different weeks add the same ones where they overlap.
 */
import { DAY, formatDay, formatWall, HOUR, startOfDay, startOfWeek, type WallTime } from '../calendar/wall-time.ts';
import type { CalendarEvent } from '../data/schema.ts';
import { chanceOf } from './chance.ts';

export type SampleEvent = CalendarEvent & { readonly id: string };

const WEEKS_BEFORE = 4;
const WEEKS = 13;

export function sampleEvents(today: WallTime): readonly SampleEvent[] {
  const first = startOfWeek(startOfDay(today)) - WEEKS_BEFORE * 7 * DAY;
  return Array.from({ length: WEEKS * 7 }, (_, index) => sampleEventsOn(first + index * DAY)).flat();
}

interface Meeting {
  readonly title: string;
  readonly room: string;
  /** In hours. */
  readonly from: number;
  readonly to: number;
  readonly by: Booker;
}

const ANNA = { id: 'anna', name: 'Anna', device: "Anna's laptop" };
const BRUNO = { id: 'bruno', name: 'Bruno', device: "Bruno's laptop" };
const CLARA = { id: 'clara', name: 'Clara', device: "Clara's tablet" };
type Booker = typeof ANNA;

/** Monday is 0. `every`: how many weeks lie between two of them. */
const REGULAR: readonly (Meeting & { readonly day: number; readonly every: 1 | 2 })[] = [
  { title: 'Planning', room: 'Room A', day: 0, every: 1, from: 9, to: 10.5, by: ANNA },
  { title: 'Harbour office call', room: 'Room C', day: 0, every: 2, from: 11, to: 12, by: CLARA },
  { title: 'Design review', room: 'Room A', day: 1, every: 1, from: 10, to: 11.5, by: BRUNO },
  { title: 'Pairing', room: 'Room C', day: 1, every: 1, from: 14, to: 16, by: CLARA },
  { title: 'Stand-up', room: 'Room B', day: 2, every: 1, from: 9, to: 9.5, by: ANNA },
  { title: 'Choir', room: 'Room A', day: 2, every: 2, from: 17, to: 18.5, by: CLARA },
  { title: 'Budget', room: 'Room A', day: 3, every: 2, from: 13, to: 14.5, by: BRUNO },
  { title: 'Pairing', room: 'Room C', day: 3, every: 1, from: 14, to: 16, by: CLARA },
  { title: 'Demo day', room: 'Room B', day: 4, every: 2, from: 15, to: 17, by: ANNA },
];

/** What comes up: in hours of the day and rooms that nothing regular takes. */
const SLOTS: readonly (readonly [room: string, from: number])[] = [
  ['Room A', 15],
  ['Room B', 11],
  ['Room B', 13],
  ['Room C', 9],
];
const OCCASIONS = [
  ['Interview: Ines', 1],
  ['Interview: Sami', 1],
  ['Ferry contract', 1.5],
  ['Map workshop', 1.5],
  ['One to one', 0.5],
  ['Supplier visit', 1],
  ['Website, with Tove', 1],
] as const;

export function sampleEventsOn(day: WallTime): readonly SampleEvent[] {
  const weekday = (new Date(day).getUTCDay() + 6) % 7;
  const week = Math.floor(startOfWeek(day) / (7 * DAY));
  const regular = REGULAR.filter((meeting) => meeting.day === weekday && week % meeting.every === 0);
  const all = weekday > 4 ? regular : [...regular, ...occasionsOf(day)];
  return all.map(({ title, room, from, to, by }, index) => ({
    id: `sample-event-${formatDay(day)}-${index}`,
    title,
    room,
    start: formatWall(day + from * HOUR),
    end: formatWall(day + to * HOUR),
    bookedBy: by,
  }));
}

function occasionsOf(day: WallTime): readonly Meeting[] {
  const chance = chanceOf(formatDay(day));
  const slots = chance.some(SLOTS, chance.pick([0, 1, 1, 2]));
  return slots.map(([room, from]) => {
    const [title, hours] = chance.pick(OCCASIONS);
    return { title, room, from, to: from + hours, by: chance.pick([ANNA, BRUNO, CLARA]) };
  });
}

/** A few notes and bookings to look around with; only ever added when someone asks for them. */
import { formatWall, MINUTE, startOfWeek } from '../calendar/wall-time.ts';
import type { CalendarEvent, DemoDb, Note } from './schema.ts';
import type { Identity } from './identity.ts';

export async function addSampleNotes(db: DemoDb, now: number): Promise<void> {
  await db.notes.insertMany(SAMPLE_NOTES.map((note, index) => ({ ...note, editedAt: now - index * 47 * MINUTE })));
}

export async function addSampleEvents(db: DemoDb, me: Identity, today: number): Promise<void> {
  const monday = startOfWeek(today);
  const bookedBy = { id: me.user.id, name: me.user.name, device: me.device.name };
  const at = (day: number, hour: number): string => formatWall(monday + (day * 24 + hour) * 60 * MINUTE);
  const events: CalendarEvent[] = SAMPLE_EVENTS.map(([title, room, day, from, to]) => ({
    title,
    room,
    start: at(day, from),
    end: at(day, to),
    bookedBy,
  }));
  await db.events.insertMany(events);
}

const SAMPLE_NOTES: readonly Note[] = [
  {
    title: 'Start here: two windows',
    body:
      'Open a second window as someone else (the menu behind your name). Cut the network in both: press the sync chip ' +
      'above and use the switch.\n\nNow type "universe" into the title of a note in one window and "unicorn" in the ' +
      'other. Reconnect both. Both words are still there, and one of you decides.',
    tags: ['try this'],
    pinned: true,
  },
  {
    title: 'Packing for the island',
    body: 'Oilskins, two head torches, the paper chart.\nCoffee. More coffee.\nAsk Bruno about the boat key.',
    tags: ['trip', 'lists'],
    pinned: false,
  },
  {
    title: 'Groceries',
    body: 'Rye bread, butter, dill, smoked mackerel, lemons, oat milk',
    tags: ['lists'],
    pinned: false,
  },
  {
    title: 'Questions for the design review',
    body:
      'What happens when two people rename the same thing?\nWho is told when their version was not kept?\nCan the ' +
      'page be used with the keyboard alone?',
    tags: ['work'],
    pinned: false,
  },
  {
    title: 'Tide table, Tuesday',
    body: 'Low 06:12 (0.4 m), high 12:31 (2.9 m), low 18:40 (0.5 m). Leave before noon.',
    tags: ['trip'],
    pinned: false,
  },
];

const SAMPLE_EVENTS: readonly (readonly [string, string, number, number, number])[] = [
  ['Planning', 'Room A', 0, 9, 10.5],
  ['Interview: Ines', 'Room B', 0, 13, 14],
  ['Design review', 'Room A', 1, 10, 11.5],
  ['Pairing', 'Room C', 1, 14, 16],
  ['Stand-up', 'Room B', 2, 9, 9.5],
  ['Harbour office call', 'Room C', 2, 11, 12],
  ['Budget', 'Room A', 3, 13, 14.5],
  ['Demo day', 'Room D', 4, 15, 17],
];

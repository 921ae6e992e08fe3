/** Two bookings of one room, each right on its own. */
import type { ConstraintConflict } from '@skerry/sdk';

import type { CalendarEvent, DemoDb } from '../../data/schema.ts';
import type { DeviceId } from '../cast.ts';
import { cut, reconnect, sameOnAll, told, type Scenario, type Step } from './scenario.ts';

/** Today, as the wall shows it: Swedes write dates as ISO does. */
const TODAY = new Date().toLocaleDateString('sv-SE');
const TITLES = ['Interview', 'Planning'];

export const doubleBooking: Scenario = {
  id: 'double-booking',
  title: 'Double booking',
  question: 'Two people book the same room for the same hour while offline. Each was right. Who gets it?',
  cast: ['anna', 'bruno'],
  shows: `#/calendar/${TODAY}`,
  steps: [
    { text: 'Both see the same empty calendar.', by: ['anna', 'bruno'], run: (stage) => stage.settled() },
    cut('anna', 'bruno'),
    book('anna', 'Anna books Room A from 10 to 11 for planning.', 'Planning', '11:00'),
    book('bruno', 'Bruno books Room A from 10 to 11:30 for an interview.', 'Interview', '11:30'),
    reconnect('anna', 'bruno'),
  ],
  claims: [
    {
      text: 'No booking was refused or taken away: both are in both calendars.',
      async check(stage) {
        const titles = await sameOnAll(stage, titlesOf);
        return {
          holds: JSON.stringify(titles) === JSON.stringify(TITLES),
          found: await told(stage, async (db) => (await titlesOf(db)).join(', ') || 'no booking'),
        };
      },
    },
    {
      text: 'Both are told that Room A is booked twice: one clash, the same for both of them.',
      async check(stage) {
        const clash = await sameOnAll(stage, (db) => {
          const conflict = clashOf(db);
          return conflict ? { id: conflict.id, rows: conflict.rows.length } : null;
        });
        return {
          holds: clash?.rows === 2,
          found: await told(stage, (db) => {
            const conflict = clashOf(db);
            return conflict
              ? `${conflict.rows.length} bookings of ${conflict.rows[0]!['room'] as string}`
              : 'no clash is known';
          }),
        };
      },
    },
  ],
};

function book(by: DeviceId, text: string, title: string, end: string): Step {
  const event: CalendarEvent = { title, room: 'Room A', start: `${TODAY}T10:00`, end: `${TODAY}T${end}` };
  return {
    text,
    by: [by],
    run: async (stage) => void (await stage.device(by).db.events.insert({ id: `playground-${by}`, ...event })),
  };
}

async function titlesOf(db: DemoDb): Promise<readonly string[]> {
  return (await db.events.find()).map(({ title }) => title).toSorted();
}

function clashOf(db: DemoDb): ConstraintConflict | undefined {
  return db.conflicts$.value.find((conflict): conflict is ConstraintConflict => conflict.kind === 'constraint');
}

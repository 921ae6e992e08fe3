import type { ConstraintConflict } from '@skerry/sdk';
import { expect, test } from 'vitest';

import { toDoubleBookings } from './double-booking.ts';
import { formatWall, HOUR } from './wall-time.ts';

const ten = Date.UTC(2026, 10, 17, 10);

test('[DBOOK1] a room that is booked twice is shown with its bookings, the earliest first, and the time they share', () => {
  const [double, ...more] = toDoubleBookings([conflict(row('2', 0.5, 2), row('1', 0, 1))]);
  expect(more).toEqual([]);
  expect(double).toMatchObject({ id: '2+1', room: 'Room A', start: ten + HOUR / 2, end: ten + HOUR });
  expect(double!.bookings.map(({ id }) => id)).toEqual(['1', '2']);
});

test('[DBOOK3] bookings that overlap through a third one are shown as one, from the first moment shared to the last', () => {
  const doubles = toDoubleBookings([conflict(row('1', 0, 2), row('2', 1, 4), row('3', 3, 5))]);
  expect(doubles.map(({ start, end }) => [start, end])).toEqual([[ten + HOUR, ten + 4 * HOUR]]);
});

test('[DBOOK6] double bookings come in the order of their time, and what is about to be another conflict is left out', () => {
  const later = conflict(row('a', 5, 6), row('b', 5, 7));
  const earlier = conflict(row('c', 0, 2), row('d', 1, 3));
  expect(toDoubleBookings([later, conflict(row('e', 0, 1)), earlier]).map(({ id }) => id)).toEqual(['c+d', 'a+b']);
});

function row(id: string, from: number, to: number): ConstraintConflict['rows'][number] {
  return { id, title: id, room: 'Room A', start: formatWall(ten + from * HOUR), end: formatWall(ten + to * HOUR) };
}

function conflict(...rows: ConstraintConflict['rows']): ConstraintConflict {
  const ids = rows.map(({ id }) => id);
  return {
    kind: 'constraint',
    id: ids.join('+'),
    collection: 'events',
    constraint: 'rooms',
    rowId: ids[0]!,
    rows,
    accepted: ids.slice(0, 1),
    contested: ids.slice(1),
    detectedAt: new Date(ten),
    resolve: () => Promise.reject(new Error('not asked for')),
  };
}

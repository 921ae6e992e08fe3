import type { FieldConflict } from '@skerry/sdk';
import { expect, test } from 'vitest';

import type { DoubleBooking } from '../calendar/double-booking.ts';
import type { Identity } from '../data/identity.ts';
import { facetsOf, itemsIn, type ToDecide } from './conflict-filter.ts';

const me = { user: { id: 'anna', name: 'Anna' }, deviceHere: 'this laptop' } as Identity;

test('[DFACET1] decisions are narrowed to notes, to events, or to one person; what would leave nothing out is not offered', () => {
  const items = [
    field('1', 'notes', 'bruno'),
    field('2', 'events', 'bruno'),
    field('3', 'notes', 'clara'),
    double('4'),
  ];
  expect(facetsOf(items, me)).toEqual([
    { key: 'notes', label: 'Notes', count: 2 },
    { key: 'events', label: 'Events', count: 2 },
    { key: 'person bruno', label: 'Bruno', count: 3 },
    { key: 'person clara', label: 'Clara', count: 1 },
  ]);
  expect(itemsIn(items, 'person bruno', me).map(({ id }) => id)).toEqual(['1', '2', '4']);
  expect(itemsIn(items, 'events', me).map(({ id }) => id)).toEqual(['2', '4']);
  expect(itemsIn(items, null, me)).toBe(items);
  expect(facetsOf(items.slice(0, 1), me)).toEqual([]);
});

function field(id: string, collection: string, other: string): ToDecide {
  const versions = ['anna', other].map((user) => ({
    value: {},
    user: { id: user, name: user[0]!.toUpperCase() + user.slice(1) },
    device: null,
    at: new Date(0),
    here: false,
  }));
  return { id, conflict: { kind: 'field', id, collection, rowId: id, versions } as unknown as FieldConflict };
}

function double(id: string): ToDecide {
  const bookings = [
    { id: 'a', bookedBy: { id: 'anna', name: 'Anna', device: '' } },
    { id: 'b', bookedBy: { id: 'bruno', name: 'Bruno', device: '' } },
  ];
  return { id, double: { id, bookings } as unknown as DoubleBooking };
}

import { expect, test } from 'vitest';

import { eventChanges } from './event-changes.ts';

const EVENT = { title: 'Planning', room: 'Room A', start: '2026-11-17T10:00', end: '2026-11-17T11:00' };

test('[DHIST6] of an event a version tells its title by words, and room and time as people say them', () => {
  const moved = {
    ...EVENT,
    title: 'Winter planning',
    room: 'Room B',
    start: '2026-11-17T12:00',
    end: '2026-11-17T13:00',
  };
  expect(eventChanges(EVENT, moved)).toEqual([
    { kind: 'title', words: expect.arrayContaining([{ kind: 'added', text: expect.stringContaining('Winter') }]) },
    {
      kind: 'room',
      words: [
        { kind: 'removed', text: 'Room A' },
        { kind: 'added', text: 'Room B' },
      ],
    },
    {
      kind: 'time',
      words: [
        { kind: 'removed', text: 'Tue 17 Nov, 10:00–11:00' },
        { kind: 'added', text: 'Tue 17 Nov, 12:00–13:00' },
      ],
    },
  ]);
});

test('[DHIST7] a new event tells all it has; what nobody sees, or another program left out, is no change', () => {
  expect(eventChanges({}, EVENT).map(({ kind }) => kind)).toEqual(['title', 'room', 'time']);
  expect(eventChanges(EVENT, { ...EVENT, bookedBy: { id: 'b', name: 'Bruno', device: 'laptop' } })).toEqual([]);
  expect(eventChanges({}, { title: 'No time', room: '', start: 'soon' } as object)).toMatchObject([{ kind: 'title' }]);
});

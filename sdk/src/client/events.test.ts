import { expect, test } from 'vitest';

import { SkerryError } from '../lib/errors.ts';
import { eventOfNews, eventsOfWrite } from './events.ts';

test('[EVT1] a local write is one event per change', () => {
  const at = new Date(5);
  const move = { type: 'conflict-closed', conflict: 'c', collection: 'notes', rowId: 'r' } as const;
  const saw = { srv: 4 };
  expect(eventsOfWrite({ dots: ['a.1', 'a.2'], records: 300, conflictsChanged: [move], saw }, 5)).toEqual([
    { type: 'local-write', at, dot: 'a.1', records: 300, saw },
    { type: 'local-write', at, dot: 'a.2', records: 0, saw },
    { ...move, at },
  ]);
  expect(eventsOfWrite({ dots: [], records: 0, conflictsChanged: [], saw }, 5)).toEqual([]);
});

test('[EVT2] what the link tells becomes an event with a date and real errors', () => {
  const problem = { code: 'FORBIDDEN', message: 'no' } as const;
  const error = new SkerryError('FORBIDDEN', 'no');
  const at = new Date(5);
  expect(eventOfNews({ at: 5, type: 'pulled', changes: 1, records: 2 })).toEqual({
    type: 'pulled',
    at,
    changes: 1,
    records: 2,
  });
  expect(eventOfNews({ at: 5, type: 'refused', dot: 'a.1', error: problem })).toEqual({
    type: 'refused',
    at,
    dot: 'a.1',
    error,
  });
  expect(eventOfNews({ at: 5, type: 'connection', connection: 'stalled', reason: problem })).toEqual({
    type: 'connection',
    at,
    connection: 'stalled',
    reason: error,
  });
  expect(eventOfNews({ at: 5, type: 'connection', connection: 'online', reason: null })).toEqual({
    type: 'connection',
    at,
    connection: 'online',
  });
});

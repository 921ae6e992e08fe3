import { expect, test } from 'vitest';

import { formatRoute, parseRoute, type Route } from './route.ts';

test('[DROUTE1] every place has an address that leads back to it', () => {
  const routes: Route[] = [
    { page: 'notes', noteId: null },
    { page: 'notes', noteId: 'a/b ü' },
    { page: 'notes', noteId: 'a/b ü', view: 'history' },
    { page: 'calendar', day: null, eventId: null },
    { page: 'calendar', day: '2026-11-16', eventId: null },
    { page: 'calendar', day: '2026-11-16', eventId: '0199' },
    { page: 'calendar', day: '2026-11-16', eventId: '0199', view: 'history' },
    { page: 'calendar', layout: 'month', day: null, eventId: null },
    { page: 'calendar', layout: 'rooms', day: '2026-11-16', eventId: null },
    { page: 'calendar', layout: 'agenda', day: '2026-11-16', eventId: 'day', view: 'history' },
    { page: 'conflicts' },
    { page: 'settings' },
  ];
  expect(routes.map((route) => parseRoute(formatRoute(route)))).toEqual(routes);
});

test('[DROUTE2] an address that means nothing leads somewhere all the same', () => {
  expect(['', '#', '#/', '#/nowhere'].map(parseRoute).map(({ page }) => page)).toEqual([
    'notes',
    'notes',
    'notes',
    'notes',
  ]);
  expect(parseRoute('#/notes/%E0%A4%A')).toEqual({ page: 'notes', noteId: '%E0%A4%A' });
  expect(parseRoute('#/calendar/2026-99-99')).toEqual({ page: 'calendar', day: null, eventId: null });
});

/**
 * Where in the app one is, as the hash of the address: any static server can serve it, and the query with the identity
 * stays as it is.
 */
import { useSyncExternalStore } from 'react';

/** How the calendar is laid out; without one it is the week. */
export type CalendarLayout = 'day' | 'rooms' | 'month' | 'agenda';

export type Route =
  | { readonly page: 'notes'; readonly noteId: string | null; readonly view?: 'history' }
  | {
      readonly page: 'calendar';
      readonly layout?: CalendarLayout;
      readonly day: string | null;
      readonly eventId: string | null;
      readonly view?: 'history';
    }
  | { readonly page: 'conflicts' }
  | { readonly page: 'settings' };

export function parseRoute(hash: string): Route {
  const [page, ...parts] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decode);
  const [first, second] = parts;
  if (page === 'calendar') return calendarRoute(parts);
  if (page === 'conflicts' || page === 'settings') return { page };
  return { page: 'notes', noteId: first || null, ...(first && second === 'history' && { view: second }) };
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'notes':
      return path('notes', route.noteId, (route.noteId && route.view) ?? null);
    case 'calendar':
      return path('calendar', route.layout ?? null, route.day, ...eventPath(route));
    case 'conflicts':
    case 'settings':
      return path(route.page);
  }
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return parseRoute(hash);
}

/** `replace`: going back leads to where one was before, not here. */
export function go(route: Route, options: { readonly replace?: boolean } = {}): void {
  const hash = formatRoute(route);
  if (hash === location.hash) return;
  if (!options.replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, '', hash);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener('hashchange', onChange);
  return () => window.removeEventListener('hashchange', onChange);
}

const LAYOUTS: readonly string[] = ['day', 'rooms', 'month', 'agenda'] satisfies readonly CalendarLayout[];

function calendarRoute([first, ...rest]: readonly string[]): Route {
  const hasLayout = first !== undefined && LAYOUTS.includes(first);
  const [day, eventId, view] = hasLayout ? rest : [first, ...rest];
  return {
    page: 'calendar',
    ...(hasLayout && { layout: first as CalendarLayout }),
    day: isDay(day) ? day : null,
    eventId: eventId || null,
    ...(eventId && view === 'history' && { view }),
  };
}

function eventPath({ day, eventId, view }: Extract<Route, { page: 'calendar' }>): (string | null)[] {
  return day === null || eventId === null ? [] : [eventId, view ?? null];
}

function path(...parts: (string | null)[]): string {
  return `#/${parts
    .filter((part) => part !== null)
    .map(encodeURIComponent)
    .join('/')}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand: taken as it stands
  }
}

function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

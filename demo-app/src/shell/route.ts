/**
 * Where in the app one is, as the hash of the address: any static server can serve it, and the query with the identity
 * stays as it is.
 */
import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly page: 'notes'; readonly noteId: string | null; readonly view?: 'history' }
  | { readonly page: 'calendar'; readonly day: string | null; readonly eventId: string | null }
  | { readonly page: 'conflicts' }
  | { readonly page: 'settings' };

export function parseRoute(hash: string): Route {
  const [page, first, second] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decode);
  if (page === 'calendar') return { page, day: isDay(first) ? first : null, eventId: second || null };
  if (page === 'conflicts' || page === 'settings') return { page };
  return { page: 'notes', noteId: first || null, ...(first && second === 'history' && { view: second }) };
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case 'notes':
      return path('notes', route.noteId, (route.noteId && route.view) ?? null);
    case 'calendar':
      return path('calendar', route.day, route.day && route.eventId);
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

/** When a page has reason to believe that the network is there again: hints to try at once, never proof. */

/** Calls `fn` when the browser goes online, the page becomes visible or comes back from the back-forward cache. */
export function onReturn(fn: () => void): () => void {
  if (typeof document === 'undefined' || typeof addEventListener !== 'function') return () => undefined;
  const stop = new AbortController();
  const { signal } = stop;
  addEventListener('online', fn, { signal });
  addEventListener('pageshow', (event) => event.persisted && fn(), { signal });
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && fn(), { signal });
  return () => stop.abort();
}

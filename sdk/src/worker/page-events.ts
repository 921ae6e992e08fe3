/** What the browser tells a page about its life: hints, never proof. */

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

/**
 * Calls `freeze` when the browser is about to freeze the page, which then holds what it holds for as long as it likes, and
 * `thaw` when it goes on.
 */
export function onFreeze(freeze: () => void, thaw: () => void): () => void {
  if (typeof document === 'undefined' || typeof addEventListener !== 'function') return () => undefined;
  const stop = new AbortController();
  const { signal } = stop;
  document.addEventListener('freeze', freeze, { signal });
  document.addEventListener('resume', thaw, { signal });
  // Into the back-forward cache and out of it. Before Dexie, which closes its connections then.
  addEventListener('pagehide', (event) => event.persisted && freeze(), { signal, capture: true });
  addEventListener('pageshow', (event) => event.persisted && thaw(), { signal });
  return () => stop.abort();
}

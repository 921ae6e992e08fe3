/**
 * Each run has databases of its own. What earlier pages have left behind is removed when a new one opens; a page that is
 * still open is known by a lock that it holds.
 */
const SPACE = 'playground-';
const LOCK = 'skerry.playground/';

export function spaceOf(page: string, run: number): string {
  return `${SPACE}${page}-${run}`;
}

export async function removeLeftovers(page: string): Promise<void> {
  // Without locks nobody can say which pages are open, and without the list nobody knows what is there.
  if (!('locks' in navigator) || !('databases' in indexedDB)) return;
  void navigator.locks.request(LOCK + page, () => new Promise<never>(() => undefined));
  const { held = [] } = await navigator.locks.query();
  const open = held.flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : []));
  const isLeft = (name: string): boolean =>
    name.includes(`skerry/${SPACE}`) && ![page, ...open].some((one) => name.includes(`${SPACE}${one}-`));
  for (const { name } of await indexedDB.databases()) if (name && isLeft(name)) indexedDB.deleteDatabase(name);
  for (const store of [localStorage, sessionStorage])
    for (const key of Object.keys(store)) if (isLeft(key)) store.removeItem(key);
}

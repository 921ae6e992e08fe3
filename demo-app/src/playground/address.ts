/**
 * Where the playground is: `#/playground/same-field`, a link that can be passed on. It is a page beside the app, without a
 * database, so going from one to the other loads the page anew.
 */
const PLACE = /^#?\/playground(?:\/([^/?]*).*)?$/;

export function isPlayground(hash: string): boolean {
  return PLACE.test(hash);
}

/** What stands behind it; '' when nothing does. */
export function scenarioIn(hash: string): string {
  return PLACE.exec(hash)?.[1] ?? '';
}

export function addressOfScenario(id: string): string {
  return `#/playground/${id}`;
}

export function reloadWhenCrossing(): void {
  const here = isPlayground(location.hash);
  window.addEventListener('hashchange', () => {
    if (isPlayground(location.hash) !== here) location.reload();
  });
}

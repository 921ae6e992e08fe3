/**
 * Keeps the app installed and new. A new version takes over in the background; the page that runs the old one reloads
 * when nobody looks at it, so that it never happens under someone's hands. What was typed is saved when a page hides.
 */
import { registerSW } from 'virtual:pwa-register';

import { trustServiceWorker } from './trusted-types.ts';

export function keepInstalled(onError: (error: unknown) => void): void {
  trustServiceWorker();
  registerSW({
    immediate: true,
    onNeedReload: reloadUnseen,
    onRegisterError: onError,
  });
}

function reloadUnseen(): void {
  const reload = (): void => {
    if (document.visibilityState === 'hidden') setTimeout(() => location.reload(), 2000);
  };
  document.addEventListener('visibilitychange', reload);
  reload();
}

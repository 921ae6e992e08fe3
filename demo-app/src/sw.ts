/**
 * The demo's service worker: keeps the app's files, so that it starts without a server, and sends what waits when no tab
 * is open. A new version takes over at once; the page reloads when nobody looks at it (`shell/updates.ts`).
 */
import { flushOnSync, type ServiceWorkerScope } from '@skerry/sdk/service-worker';
import { clientsClaim } from 'workbox-core';
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';

/** What the types of a page lack; the list of files is put in by the build. */
declare const self: ServiceWorkerScope & {
  readonly __WB_MANIFEST: Parameters<typeof precacheAndRoute>[0];
  skipWaiting(): Promise<void>;
};

void self.skipWaiting();
clientsClaim();
cleanupOutdatedCaches();
precacheAndRoute(self.__WB_MANIFEST);
registerRoute(
  new NavigationRoute(createHandlerBoundToURL('index.html'), { denylist: [/^\/(sync|healthz|readyz|metrics)/] }),
);

flushOnSync(self);

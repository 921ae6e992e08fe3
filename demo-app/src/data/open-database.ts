/** Opens the database of whoever sits here, and lays its handle on `window.skerry` for tests and the curious. */
import { open } from '@skerry/sdk';

import { isNetworkCut } from './network-switch.ts';
import type { Identity } from './identity.ts';
import { collections, type DemoDb } from './schema.ts';
import { setClockAhead } from './wrong-clock.ts';

declare global {
  interface Window {
    skerry: DemoDb;
  }
}

/** On the page's own origin. */
export const SERVER_PATH = '/sync';

export async function openDatabase(identity: Identity): Promise<DemoDb> {
  const { databaseName, clockAheadMs } = identity;
  if (clockAheadMs !== 0) setClockAhead(clockAheadMs);
  const db = await open({
    name: databaseName,
    collections,
    user: identity.user,
    device: identity.device,
    sync: { url: SERVER_PATH, space: identity.space, paused: isNetworkCut(databaseName), background: true },
    // A worker has the clock of the machine.
    ...(clockAheadMs === 0 ? {} : { worker: false }),
  });
  window.skerry = db;
  // Of a frame in the playground, which listens from the first event on. Null in a window of its own, and for strangers.
  window.frameElement?.dispatchEvent(new Event('skerry'));
  return db;
}

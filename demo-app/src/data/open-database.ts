/** Opens the database of whoever sits here, and lays its handle on `window.skerry` for tests and the curious. */
import { open } from '@skerry/sdk';

import { isNetworkCut } from './network-switch.ts';
import type { Identity } from './identity.ts';
import { collections, type DemoDb } from './schema.ts';

declare global {
  interface Window {
    skerry: DemoDb;
  }
}

/** On the page's own origin. */
export const SERVER_PATH = '/sync';

export async function openDatabase(identity: Identity): Promise<DemoDb> {
  const db = await open({
    name: identity.databaseName,
    collections,
    user: identity.user,
    device: identity.device,
    sync: { url: SERVER_PATH, space: identity.space, paused: isNetworkCut(), background: true },
  });
  window.skerry = db;
  return db;
}

/**
 * What a page leaves in its database for a service worker, which has to send what waits there when no page is open: where
 * the server is and what the collections are. No token and nothing of a user: what can be used to act for somebody
 * is never written to a disk by the SDK.
 */
import { openDB, type IDBPDatabase } from 'idb';

import type { CollectionPlan } from '../policies/registry.ts';
import { META, type ReplicaRow } from './layout.ts';

export interface BackgroundRow {
  readonly key: 'background';
  /** ws: or wss:, as the page has resolved it. */
  readonly url: string;
  readonly space: string;
  readonly collections: readonly CollectionPlan[];
  /** Names of the merge functions that the collections need. */
  readonly merges: readonly string[];
  readonly needsToken: boolean;
  /** The app has paused syncing. */
  readonly isPaused: boolean;
}

/** A look into a database that is never made or changed by looking. */
export interface BackgroundView {
  /** Undefined when no page has asked for syncing in the background. */
  readonly row: BackgroundRow | undefined;
  /** Changes that the server has not confirmed. */
  readPending(): Promise<number>;
  close(): void;
}

/** Null when there is no such database of this SDK. */
export async function viewBackground(name: string): Promise<BackgroundView | null> {
  const db = await openExisting(name);
  if (db === null) return null;
  const row = (await db.get(META, 'background')) as BackgroundRow | undefined;
  return {
    row,
    async readPending() {
      const replica = (await db.get(META, 'replica')) as ReplicaRow | undefined;
      return replica?.outbox.changes ?? 0;
    },
    close: () => db.close(),
  };
}

async function openExisting(name: string): Promise<IDBPDatabase | null> {
  let isNew = false;
  try {
    const db = await openDB(name, undefined, {
      upgrade(_made, _from, _to, tx) {
        isNew = true;
        tx.done.catch(() => undefined);
        tx.abort();
      },
      blocking: (_from, _to, event) => (event.target as IDBDatabase).close(),
    });
    if (db.objectStoreNames.contains(META)) return db;
    db.close();
    return null;
  } catch (error) {
    if (isNew) return null;
    throw error;
  }
}

/** What people use without an SDK: notes in Dexie, and notes from one fetch in one `idb` transaction. */
import { Dexie, type Table } from 'dexie';
import { openDB } from 'idb';

import type { StoredNote } from './notes.ts';

export type PlainNotes = Dexie & { readonly notes: Table<StoredNote, string> };

export async function openPlain(name: string): Promise<PlainNotes> {
  const db = new Dexie(`bench-${name}`, { chromeTransactionDurability: 'strict' });
  db.version(1).stores({ notes: 'id, updatedAt' });
  return (await db.open()) as PlainNotes;
}

/** One fetch of gzipped JSON, one durable transaction of puts. */
export async function fetchAndPut(name: string): Promise<void> {
  const fresh = await openDB(`bench-${name}`, 1, {
    upgrade(db) {
      db.createObjectStore('notes', { keyPath: 'id' }).createIndex('updatedAt', 'updatedAt');
    },
  });
  const rows = (await (await fetch('/notes.json', { cache: 'no-store' })).json()) as readonly StoredNote[];
  const tx = fresh.transaction('notes', 'readwrite', { durability: 'strict' });
  for (const row of rows) void tx.store.put(row);
  await tx.done;
  fresh.close();
}

export async function countPlain(name: string): Promise<number> {
  const db = await openDB(`bench-${name}`);
  const found = await db.count('notes');
  db.close();
  return found;
}

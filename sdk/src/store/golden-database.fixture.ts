/** A whole IndexedDB database as data, and back: stores with their keys, indexes and rows. */
import { openDB, type IDBPDatabase } from 'idb';

import type { Json } from '../lib/json.ts';

export interface GoldenDatabase {
  readonly version: number;
  readonly stores: readonly GoldenStore[];
}

interface GoldenStore {
  readonly name: string;
  readonly keyPath: string | string[];
  readonly autoIncrement?: true;
  readonly indexes: readonly {
    readonly name: string;
    readonly keyPath: string | string[];
    readonly multiEntry: boolean;
  }[];
  readonly rows: readonly Json[];
}

export async function dumpDatabase(name: string): Promise<GoldenDatabase> {
  const db = await openDB(name);
  const stores: GoldenStore[] = [];
  for (const store of [...db.objectStoreNames].sort()) stores.push(await dumpStore(db, store));
  const { version } = db;
  db.close();
  return { version, stores };
}

async function dumpStore(db: IDBPDatabase, name: string): Promise<GoldenStore> {
  const { store } = db.transaction(name);
  const indexes = [...store.indexNames].sort().map((index) => {
    const { keyPath, multiEntry } = store.index(index);
    return { name: index, keyPath: plainPath(keyPath), multiEntry };
  });
  const rows = ((await store.getAll()) as unknown[]).map(encode);
  return {
    name,
    keyPath: plainPath(store.keyPath),
    ...(store.autoIncrement ? { autoIncrement: true } : {}),
    indexes,
    rows,
  };
}

export async function restoreDatabase(name: string, golden: GoldenDatabase): Promise<void> {
  const db = await openDB(name, golden.version, {
    upgrade(upgrading) {
      for (const { name: storeName, keyPath, autoIncrement = false, indexes } of golden.stores) {
        const store = upgrading.createObjectStore(storeName, { keyPath, autoIncrement });
        for (const { name: index, keyPath: path, multiEntry } of indexes)
          store.createIndex(index, path, { multiEntry });
      }
    },
  });
  for (const { name: store, rows } of golden.stores) for (const row of rows) await db.put(store, decode(row));
  db.close();
}

function plainPath(keyPath: string | string[] | null): string | string[] {
  if (keyPath === null) throw new Error('a store of ours has its key inside');
  return typeof keyPath === 'string' ? keyPath : [...keyPath];
}

/** IndexedDB keeps maps, JSON does not. */
function encode(value: unknown): Json {
  if (value instanceof Map) return { $map: [...value].map(([key, item]) => [encode(key), encode(item)]) };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]));
}

function decode(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(decode);
  const members = Object.entries(value as Readonly<Record<string, Json>>);
  if (members[0]?.[0] === '$map')
    return new Map((members[0][1] as readonly Json[]).map((pair) => decode(pair) as [unknown, unknown]));
  return Object.fromEntries(members.map(([key, item]) => [key, decode(item)]));
}

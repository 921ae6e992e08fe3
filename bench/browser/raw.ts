/**
 * What the same durable write costs without an SDK: `idb`, the row and a log row in one read-write transaction, strict.
 * It is the floor for anything that must be able to send the write later.
 */
import { openDB } from 'idb';

import type { Row } from './row.ts';

type StoredRow = Row & { readonly id: string };

export interface RawDatabase {
  insert(row: StoredRow): Promise<void>;
  insertMany(rows: readonly StoredRow[]): Promise<void>;
  /** A log row for each. */
  insertEach(rows: readonly { readonly id: string }[]): Promise<void>;
  update(id: string, patch: Partial<Row>): Promise<void>;
  /** The requests of an insert that can be sent and merged later: what is there is read, then row, state, log row and clock are put. */
  insertAsTracked(row: StoredRow): Promise<void>;
  get(id: string): Promise<StoredRow | undefined>;
  count(): Promise<number>;
}

export async function openRaw(name: string): Promise<RawDatabase> {
  const db = await openDB(`bench-${name}`, 1, {
    upgrade(fresh) {
      fresh.createObjectStore('notes', { keyPath: 'id' });
      fresh.createObjectStore('log', { autoIncrement: true });
      fresh.createObjectStore('states', { keyPath: 'id' });
      fresh.createObjectStore('clock', { keyPath: 'key' });
    },
  });
  const durability = 'strict';
  const write = () => db.transaction(['notes', 'log'], 'readwrite', { durability });
  return {
    async insert(row) {
      const tx = write();
      await Promise.all([tx.objectStore('notes').add(row), tx.objectStore('log').add(row), tx.done]);
    },
    async insertMany(rows) {
      const tx = write();
      for (const row of rows) void tx.objectStore('notes').add(row);
      await Promise.all([tx.objectStore('log').add(rows), tx.done]);
    },
    async insertEach(rows) {
      const tx = write();
      for (const row of rows) {
        void tx.objectStore('notes').add(row);
        void tx.objectStore('log').add(row);
      }
      await tx.done;
    },
    async update(id, patch) {
      const tx = write();
      const row = (await tx.objectStore('notes').get(id)) as StoredRow;
      await Promise.all([
        tx.objectStore('notes').put({ ...row, ...patch }),
        tx.objectStore('log').add({ id, patch }),
        tx.done,
      ]);
    },
    async insertAsTracked(row) {
      const tx = db.transaction(['notes', 'log', 'states', 'clock'], 'readwrite', { durability });
      const { id } = row;
      await Promise.all([tx.objectStore('clock').get('clock'), tx.objectStore('states').get(id)]);
      await Promise.all([
        tx.objectStore('notes').put(row),
        tx.objectStore('states').put({ id, state: JSON.stringify(row) }),
        tx.objectStore('log').put(row),
        tx.objectStore('clock').put({ key: 'clock', at: Date.now() }),
      ]);
      tx.commit();
      await tx.done;
    },
    get: (id) => db.get('notes', id) as Promise<StoredRow | undefined>,
    count: () => db.count('notes'),
  };
}

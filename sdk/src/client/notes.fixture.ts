/** A local database of notes for the tests of the client, each with a name of its own, closed after the test. */
import { counter } from '../policies/counter.ts';
import { set } from '../policies/set.ts';
import { collection } from './definition.ts';
import { open } from './open.ts';
import type { Db, OpenOptions } from './types.ts';

export interface Note {
  title: string;
  tags: string[];
  body?: string;
  likes?: number;
  extra?: unknown;
}

export interface Booking {
  title: string;
  room?: string;
  start?: number;
}

export const collections = {
  notes: collection<Note>({ fields: { tags: set(), likes: counter() }, indexes: ['title', '*tags'] }),
  bookings: collection<Booking>({ groups: [['room', 'start']], indexes: ['[room+start]'] }),
};

export type NotesDb = Db<typeof collections>;

const opened: { close(): Promise<void> }[] = [];
let count = 0;

export function freshName(): string {
  count += 1;
  return `client-test-${count}`;
}

export async function openNotes(options: Partial<OpenOptions<typeof collections>> = {}): Promise<NotesDb> {
  return remember(await open({ name: freshName(), collections, ...options }));
}

export function remember<D extends { close(): Promise<void> }>(db: D): D {
  opened.push(db);
  return db;
}

export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((db) => db.close()));
}

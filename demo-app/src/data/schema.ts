/**
 * What the demo stores, and who decides when two people write at once.
 *
 * Titles are for people (ask), texts are merged and only clashes are for people (text), tags add up (set), a pin is a
 * preference (lww). A booking's room, start and end only make sense together, so they are one group,
 * and no two bookings of a room should overlap; those that do are kept and shown.
 */
import { ask, collection, counter, lww, noOverlap, set, text, type Db, type Stored } from '@skerry/sdk';

export interface Note {
  title: string;
  body: string;
  tags: string[];
  pinned: boolean;
  /** When someone last wrote in it, for the order of the list; milliseconds since 1970. Other programs may leave it out. */
  editedAt?: number;
}

export interface CalendarEvent {
  title: string;
  room: string;
  /** Wall time, as the wall clock in the room shows it: 2026-11-17T10:00. */
  start: string;
  end: string;
  bookedBy?: BookedBy;
}

export interface BookedBy {
  id: string;
  name: string;
  device: string;
}

/** Counts that several people add to at once. No screen shows them yet; the tests that cut the network count on them. */
export interface Counter {
  name: string;
  value: number;
}

export type StoredNote = Stored<Note>;
export type StoredEvent = Stored<CalendarEvent>;

export const collections = {
  notes: collection<Note>({
    fields: { title: ask(), body: text(), tags: set(), pinned: lww(), editedAt: lww() },
  }),
  events: collection<CalendarEvent>({
    fields: { title: ask(), room: ask(), start: ask(), end: ask(), bookedBy: lww() },
    groups: [['room', 'start', 'end']],
    constraints: [noOverlap('rooms', { by: 'room', from: 'start', to: 'end' })],
  }),
  counters: collection<Counter>({ fields: { name: ask(), value: counter() } }),
};

export type DemoDb = Db<typeof collections>;

export const ROOMS: readonly string[] = ['Room A', 'Room B', 'Room C', 'Room D'];

import 'fake-indexeddb/auto';
import { open } from '@skerry/sdk';
import { expect, test } from 'vitest';

import { overlaps } from '../calendar/double-booking.ts';
import { toBookings } from '../calendar/booking.ts';
import { DAY, formatWall, HOUR } from '../calendar/wall-time.ts';
import { collections, type DemoDb } from '../data/schema.ts';
import { sampleEvents } from './sample-events.ts';
import { sampleNotes } from './sample-notes.ts';
import { addManyNotes, addSamples, countSamples, removeSamples, SAMPLE_NOTES } from './samples.ts';

const NOW = new Date('2026-11-20T10:00:00');
const TODAY = Date.UTC(2026, 10, 20, 10);

test('[DSAMPLE1] the samples are 200 different notes and a quarter of meetings in three rooms, none of them double', () => {
  const notes = sampleNotes(SAMPLE_NOTES, NOW.getTime());
  expect(new Set(notes.map(({ title }) => title)).size).toBeGreaterThan(150);
  expect(notes[0]).toMatchObject({ pinned: true, editedAt: NOW.getTime() });
  const events = sampleEvents(TODAY);
  expect(new Set(events.map(({ room }) => room))).toEqual(new Set(['Room A', 'Room B', 'Room C']));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const days = events.map(({ start }) => start).toSorted();
  expect(Date.parse(days.at(-1)!) - Date.parse(days[0]!)).toBeGreaterThan(12 * 7 * DAY);
  const bookings = toBookings(events);
  const doubles = bookings.filter((one) =>
    bookings.some((other) => other.id !== one.id && other.room === one.room && overlaps(one, other)),
  );
  expect(doubles).toEqual([]);
});

test('[DSAMPLE2] two devices that add them, in whichever week, add the same rows under the same ids', () => {
  const later = new Map(sampleEvents(TODAY + 10 * DAY + 3 * HOUR).map((event) => [event.id, event]));
  const shared = sampleEvents(TODAY).filter(({ id }) => later.has(id));
  expect(shared.length).toBeGreaterThan(50);
  expect(shared.map(({ id }) => later.get(id))).toEqual(shared);
  const timeless = (now: number) => sampleNotes(30, now).map((note) => ({ ...note, editedAt: 0 }));
  expect(timeless(1)).toEqual(timeless(2));
});

test('[DSAMPLE3] adding and removing are each one click and one undo, and adding twice adds nothing', async () => {
  await using db = await openFresh();
  const adding = await addSamples(db, NOW);
  const count = await countSamples(db);
  expect(count.notes).toBe(SAMPLE_NOTES);
  expect(count.events).toBe(sampleEvents(TODAY).length);
  expect((await addSamples(db, NOW)).id).toBe('');
  const removing = await removeSamples(db);
  expect(removing).toMatchObject({ removed: count.notes + count.events, kept: 0 });
  expect(await countSamples(db)).toEqual({ notes: 0, events: 0 });
  await removing.undo();
  expect(await countSamples(db)).toEqual(count);
  expect(adding.id).not.toBe('');
});

test('[DSAMPLE4] what somebody edited stays when the samples are removed, and so does what is no sample', async () => {
  await using db = await openFresh();
  await addSamples(db, NOW);
  const mine = await db.notes.insert({ title: 'Mine', body: '', tags: [], pinned: false });
  await db.notes.update('sample-note-00002', { body: 'milk' });
  await db.notes.update('sample-note-00003', { tags: ['work', 'mine'] });
  const [event] = await db.events.find({ limit: 1 });
  await db.events.update(event!.id, { end: formatWall(Date.parse(`${event!.end}Z`) + HOUR) });
  expect(await removeSamples(db)).toMatchObject({ kept: 3 });
  expect((await db.notes.find()).map(({ id }) => id).toSorted()).toEqual(
    [mine, 'sample-note-00002', 'sample-note-00003'].toSorted(),
  );
  expect(await db.events.count()).toBe(1);
});

test('[DSAMPLE5] thousands of notes are added to what is there, and removed in parts that a change can hold', async () => {
  await using db = await openFresh();
  await addSamples(db, NOW);
  await addManyNotes(db, NOW, 2_500);
  const { notes, events } = await countSamples(db);
  expect(notes).toBe(2_500);
  const removing = await removeSamples(db);
  expect(removing).toMatchObject({ removed: notes + events, kept: 0 });
  expect(await db.notes.count()).toBe(0);
}, 60_000);

let databases = 0;

function openFresh(): Promise<DemoDb> {
  return open({ name: `samples-${databases++}`, collections });
}

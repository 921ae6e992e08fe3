/**
 * Puts the samples into the database and takes them out again. They have ids of their own, so that they can be told from what
 * people wrote, and so that two devices that add them while apart have the same rows. What somebody edited is theirs: it stays.
 */
import type { Commit } from '@skerry/sdk';

import { wallFromDate } from '../calendar/wall-time.ts';
import type { CalendarEvent, DemoDb, Note, StoredEvent, StoredNote } from '../data/schema.ts';
import { sampleEvents, sampleEventsOn } from './sample-events.ts';
import { sampleNotes } from './sample-notes.ts';

export const SAMPLE_NOTES = 200;
export const MANY_NOTES = 10_000;

const IDS = { startsWith: 'sample-' } as const;

export interface SampleCount {
  readonly notes: number;
  readonly events: number;
}

export async function countSamples(db: DemoDb): Promise<SampleCount> {
  const where = { id: IDS };
  const [notes, events] = await Promise.all([db.notes.count({ where }), db.events.count({ where })]);
  return { notes, events };
}

/** All in one change: others get them at once, and one undo takes them away again. */
export async function addSamples(db: DemoDb, now: Date): Promise<Commit<void>> {
  return db.transaction(
    async (tx) => {
      const notes = await idsOf(tx.notes.find({ where: { id: IDS } }));
      const events = await idsOf(tx.events.find({ where: { id: IDS } }));
      await tx.notes.insertMany(missing(sampleNotes(SAMPLE_NOTES, now.getTime()), notes));
      await tx.events.insertMany(missing(sampleEvents(wallFromDate(now)), events));
    },
    { label: 'Added the samples' },
  );
}

/** For who wants to see whether the app stays quick. More than one change can hold, so they travel in several. */
export async function addManyNotes(db: DemoDb, now: Date, howMany = MANY_NOTES): Promise<void> {
  const known = await idsOf(db.notes.find({ where: { id: IDS } }));
  await db.notes.insertMany(missing(sampleNotes(howMany, now.getTime()), known));
}

export interface Removed {
  readonly removed: number;
  /** Edited by somebody. */
  readonly kept: number;
  undo(): Promise<void>;
}

/** A change holds 5,000 rows. */
const AT_ONCE = 2_000;

export async function removeSamples(db: DemoDb): Promise<Removed> {
  const where = { id: IDS };
  const [notes, events] = await Promise.all([db.notes.find({ where }), db.events.find({ where })]);
  const last = Math.max(-1, ...notes.map(({ id }) => Number(id.slice('sample-note-'.length))));
  const plainNotes = new Map(sampleNotes(last + 1, 0).map(byId));
  const [oldNotes, oldEvents] = [
    notes.filter((note) => isUnedited(note, plainNotes.get(note.id), ['title', 'body', 'tags', 'pinned'])),
    events.filter((event) => isUnedited(event, plainEvent(event), ['title', 'room', 'start', 'end'])),
  ];
  const commits: Commit<void>[] = [];
  for (const part of partsOf(oldNotes)) commits.push(await remove(db, part, []));
  for (const part of partsOf(oldEvents)) commits.push(await remove(db, [], part));
  const removed = oldNotes.length + oldEvents.length;
  return {
    removed,
    kept: notes.length + events.length - removed,
    undo: async () => {
      for (const commit of commits.toReversed()) await commit.undo();
    },
  };
}

function remove(db: DemoDb, notes: readonly StoredNote[], events: readonly StoredEvent[]): Promise<Commit<void>> {
  return db.transaction(
    async (tx) => {
      for (const { id } of notes) await tx.notes.delete(id);
      for (const { id } of events) await tx.events.delete(id);
    },
    { label: 'Removed the samples' },
  );
}

/** The sample of an event's id: the day stands in it. */
function plainEvent({ id }: StoredEvent): CalendarEvent | undefined {
  const day = Date.parse(id.slice('sample-event-'.length, -2));
  return Number.isNaN(day) ? undefined : sampleEventsOn(day).find((sample) => sample.id === id);
}

function isUnedited<Row extends Note | CalendarEvent>(
  row: Row,
  sample: Row | undefined,
  fields: readonly (keyof Row)[],
): boolean {
  return sample !== undefined && fields.every((field) => plain(row[field]) === plain(sample[field]));
}

/** Tags come in the order of the SDK. */
function plain(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value);
}

function missing<Row extends { readonly id: string }>(
  rows: readonly Row[],
  known: ReadonlySet<string>,
): readonly Row[] {
  return rows.filter(({ id }) => !known.has(id));
}

function partsOf<Row>(rows: readonly Row[]): readonly (readonly Row[])[] {
  return Array.from({ length: Math.ceil(rows.length / AT_ONCE) }, (_, i) => rows.slice(i * AT_ONCE, (i + 1) * AT_ONCE));
}

async function idsOf(rows: Promise<readonly { readonly id: string }[]>): Promise<ReadonlySet<string>> {
  return new Set((await rows).map(({ id }) => id));
}

function byId<Row extends { readonly id: string }>(row: Row): [string, Row] {
  return [row.id, row];
}

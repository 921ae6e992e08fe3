/**
 * A copy of all notes and events as a file, and the way back: what is missing is added, what is here and different stays as it
 * is here. The file is plain JSON, so that other programs can read it too.
 */
import type { CalendarEvent, DemoDb, Note, StoredEvent, StoredNote } from '../data/schema.ts';

export interface Backup {
  readonly notes: readonly StoredNote[];
  readonly events: readonly StoredEvent[];
}

const FORMAT = 'skerry-demo-backup';
const VERSION = 1;

export async function makeBackup(db: DemoDb, now: Date): Promise<Blob> {
  const backup: Backup = { notes: await db.notes.find(), events: await db.events.find() };
  const text = JSON.stringify({ format: FORMAT, version: VERSION, at: now, ...backup }, null, 1);
  return new Blob([text], { type: 'application/json' });
}

/** Says in words for people what is wrong with a file that is no backup. */
export function readBackup(text: string): Backup | { readonly wrong: string } {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return { wrong: 'This is not a backup: the file cannot be read.' };
  }
  const { format, version, notes, events } = (file ?? {}) as Record<string, unknown>;
  if (format !== FORMAT) return { wrong: 'This is not a backup of this app.' };
  if (version !== VERSION) return { wrong: 'This backup was made by a newer version of the app.' };
  if (!isListOf(notes, isNote) || !isListOf(events, isEvent))
    return { wrong: 'This backup is damaged: rows are missing parts.' };
  return { notes, events };
}

export interface Restored {
  readonly notes: number;
  readonly events: number;
  /** Rows of the file that are here, but say something else. */
  readonly different: number;
}

export async function restoreBackup(db: DemoDb, backup: Backup): Promise<Restored> {
  const notes = compared(backup.notes, await db.notes.find());
  const events = compared(backup.events, await db.events.find());
  await db.notes.insertMany(notes.missing);
  await db.events.insertMany(events.missing);
  return {
    notes: notes.missing.length,
    events: events.missing.length,
    different: notes.different + events.different,
  };
}

/** 'Brought back 3 notes and 1 event.' */
export function restoredText({ notes, events, different }: Restored): string {
  const back = [counted(notes, 'note'), counted(events, 'event')].filter((text) => text !== null);
  const said = back.length === 0 ? 'Nothing was missing.' : `Brought back ${back.join(' and ')}.`;
  if (different === 0) return said;
  return `${said} ${different === 1 ? 'One is' : `${different} are`} different here and stayed as ${different === 1 ? 'it is' : 'they are'}.`;
}

function counted(n: number, what: string): string | null {
  return n === 0 ? null : `${n} ${what}${n === 1 ? '' : 's'}`;
}

interface Compared<Row> {
  readonly missing: readonly Row[];
  readonly different: number;
}

function compared<Row extends StoredNote | StoredEvent>(file: readonly Row[], here: readonly Row[]): Compared<Row> {
  const known = new Map(here.map((row) => [row.id, row]));
  const missing = file.filter(({ id }) => !known.has(id));
  const different = file.filter((row) => known.has(row.id) && textOf(row) !== textOf(known.get(row.id)!));
  return { missing, different: different.length };
}

/** Whatever the order of the fields. */
function textOf(row: object): string {
  return JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isListOf<Row>(value: unknown, isRow: (row: unknown) => row is Row): value is Row[] {
  return Array.isArray(value) && value.every(isRow);
}

function isNote(row: unknown): row is StoredNote {
  const note = row as Partial<Note> & { readonly id?: unknown };
  return isObject(row) && isId(note.id) && isOptional(note.title, 'string') && isOptional(note.body, 'string');
}

function isEvent(row: unknown): row is StoredEvent {
  const event = row as Partial<CalendarEvent> & { readonly id?: unknown };
  return isObject(row) && isId(event.id) && isOptional(event.title, 'string') && isOptional(event.room, 'string');
}

function isObject(row: unknown): row is object {
  return typeof row === 'object' && row !== null && !Array.isArray(row);
}

/** Other programs may leave fields out. */
function isOptional(value: unknown, type: 'string'): boolean {
  return value === undefined || typeof value === type;
}

function isId(id: unknown): boolean {
  return typeof id === 'string' && id !== '';
}

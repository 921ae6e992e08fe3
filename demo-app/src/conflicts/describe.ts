/** Conflicts in words: what they are about, and what each version says. Pure. */
import type { FieldConflict, RejectedWrite } from '@skerry/sdk';

import { parseWall, spanLabel } from '../calendar/wall-time.ts';
import { hunksOf, isShown, placesOf, withAll } from './hunks.ts';
import type { Lost } from './not-kept.ts';

export type Shape = 'line' | 'text' | 'booking' | 'other';

type Values = Readonly<Record<string, unknown>>;

const NAMES: Readonly<Record<string, string>> = { title: 'title', body: 'text', pinned: 'pin' };

/** How the versions of a conflict are shown and edited. */
export function shapeOf(conflict: Pick<FieldConflict, 'fields'>): Shape {
  const { fields } = conflict;
  if (fields.includes('start') || fields.includes('room')) return 'booking';
  if (fields.length !== 1) return 'other';
  return fields[0] === 'body' ? 'text' : fields[0] === 'title' ? 'line' : 'other';
}

/** 'title', 'text', 'room and time' */
export function subjectOf(conflict: Pick<FieldConflict, 'fields'>): string {
  if (shapeOf(conflict) === 'booking') return 'room and time';
  return conflict.fields.map((field) => NAMES[field] ?? field).join(' and ');
}

/** One version as text. */
export function valueText(conflict: Pick<FieldConflict, 'fields'>, values: Values): string {
  const { fields } = conflict;
  if (shapeOf(conflict) === 'booking') return bookingText(values);
  if (fields.length === 1) return plain(values[fields[0] ?? '']);
  return fields.map((field) => `${NAMES[field] ?? field}: ${plain(values[field])}`).join(', ');
}

/** Whether the row shows this version for now: what it says at the places that are left to decide. */
export function isProvisional(conflict: FieldConflict, version: number): boolean {
  if (hunksOf(conflict)) return isShown(conflict, version);
  const values = conflict.versions[version]?.value ?? {};
  return conflict.fields.every(
    (field) => JSON.stringify(values[field]) === JSON.stringify(conflict.provisional[field]),
  );
}

/** All versions in one value, for texts: nothing anyone wrote is left out. Null where that makes no sense. */
export function allTogether(conflict: FieldConflict): Values | null {
  if (hunksOf(conflict)) return withAll(conflict);
  const shape = shapeOf(conflict);
  const field = conflict.fields[0];
  if (field === undefined || (shape !== 'line' && shape !== 'text')) return null;
  const texts = [...new Set(conflict.versions.map(({ value }) => plain(value[field]).trim()).filter(Boolean))];
  return texts.length > 1 ? { [field]: texts.join(shape === 'line' ? ' / ' : '\n\n') } : null;
}

/** 'Room A, Tue 17 Nov, 10:00–11:00' */
export function bookingText(values: Values): string {
  const [start, end] = [parseWall(values['start']), parseWall(values['end'])];
  const span = start === null || end === null ? null : spanLabel(start, end);
  return [plain(values['room']) || 'No room', span].filter(Boolean).join(', ');
}

/** 'event', 'note' */
export function thingOf(collection: string): string {
  return collection === 'events' ? 'event' : 'note';
}

/** A whole note or event in a line or two. */
export function rowText(collection: string, row: Values): string {
  const title = plain(row['title']).trim() || 'Untitled';
  if (collection === 'events') return `${title}: ${bookingText(row)}`;
  const body = plain(row['body']).trim();
  return body === '' ? title : `${title}: ${body.slice(0, 200)}${body.length > 200 ? '…' : ''}`;
}

/** 'title: Groceries, text: Milk' */
export function attemptText({ action, attempted }: Pick<RejectedWrite, 'action' | 'attempted'>): string {
  if (action === 'delete') return 'Delete it';
  const fields = Object.entries(attempted);
  return fields.map(([field, value]) => `${NAMES[field] ?? field}: ${plain(value) || 'nothing'}`).join(', ');
}

/** Why, for someone who can do something about it. */
export function refusalText({ error }: Pick<RejectedWrite, 'error'>): string {
  if (error.code === 'FORBIDDEN') return 'You may not change this. It is kept here until you decide.';
  if (error.code === 'TOO_LARGE') return 'It is too large for the server. It is kept here until you decide.';
  return `It is kept here until you decide (${error.code}).`;
}

function plain(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** 'Ben decided the title of ‘unicorn’. Your version, ‘universe’, was not kept.' `row`: as it is now. */
export function notKeptText({ conflict, index }: Lost, row: Values | null, decider: string): string {
  const thing = thingOf(conflict.collection);
  if (conflict.kind === 'delete') {
    const name = quoted(plain((row ?? conflict.edited.value)['title']));
    return row
      ? `${decider} kept ${name}, which you had deleted.`
      : `${decider} deleted ${name}, which you had edited.`;
  }
  const name = quoted(plain((row ?? conflict.provisional)['title']));
  if (!row) return `${decider} deleted ${name}. Your version of the ${subjectOf(conflict)} went with the ${thing}.`;
  const places = hunksOf(conflict) && placesOf(conflict, index).map(({ words }) => words.trim());
  const text = places ? places.filter(Boolean).join(' … ') : valueText(conflict, conflict.versions[index]?.value ?? {});
  const words = text.trim() === '' ? '' : `, ${quoted(text)},`;
  return `${decider} decided the ${subjectOf(conflict)} of ${name}. Your version${words} was not kept.`;
}

function quoted(text: string): string {
  const trimmed = text.trim() || 'Untitled';
  return `‘${trimmed.length > 60 ? `${trimmed.slice(0, 60).trimEnd()}…` : trimmed}’`;
}

/** What two versions of an event differ in: its title by words, room and time as a whole. Pure. */
import { parseWall, spanLabel } from '../calendar/wall-time.ts';
import type { CalendarEvent } from '../data/schema.ts';
import type { Change } from './entries.ts';
import { abridgedDiff, wordDiff, type Stretch } from './word-diff.ts';

export function eventChanges(before: Partial<CalendarEvent>, after: Partial<CalendarEvent>): readonly Change[] {
  const changes: readonly Change[] = [
    { kind: 'title', words: abridgedDiff(wordDiff(textOf(before.title), textOf(after.title))) },
    { kind: 'room', words: replaced(textOf(before.room), textOf(after.room)) },
    { kind: 'time', words: replaced(timeOf(before), timeOf(after)) },
  ];
  return changes.filter((change) => 'words' in change && change.words.some(({ kind }) => kind !== 'same'));
}

function replaced(before: string, after: string): readonly Stretch[] {
  if (before === after) return [];
  const stretches: readonly Stretch[] = [
    { kind: 'removed', text: before },
    { kind: 'added', text: after },
  ];
  return stretches.filter(({ text }) => text !== '');
}

function timeOf({ start, end }: Partial<CalendarEvent>): string {
  const [from, to] = [parseWall(start), parseWall(end)];
  return from === null || to === null ? '' : spanLabel(from, to);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

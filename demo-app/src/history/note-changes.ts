/** What two versions of a note differ in. Pure. */
import type { Note } from '../data/schema.ts';
import type { Change } from './entries.ts';
import { abridgedDiff, wordDiff } from './word-diff.ts';

export function noteChanges(before: Partial<Note>, after: Partial<Note>): readonly Change[] {
  const changes: Change[] = [];
  for (const kind of ['title', 'body'] as const) {
    const words = abridgedDiff(wordDiff(textOf(before[kind]), textOf(after[kind])));
    if (words.some((stretch) => stretch.kind !== 'same')) changes.push({ kind, words });
  }
  const [old, now] = [tagsIn(before), tagsIn(after)];
  const [added, removed] = [now.filter((tag) => !old.includes(tag)), old.filter((tag) => !now.includes(tag))];
  if (added.length + removed.length > 0) changes.push({ kind: 'tags', added, removed });
  const pinned = after.pinned === true;
  if (pinned !== (before.pinned === true)) changes.push({ kind: 'pinned', pinned });
  return changes;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function tagsIn({ tags }: Partial<Note>): readonly string[] {
  return Array.isArray(tags) ? tags : [];
}

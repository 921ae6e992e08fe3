/** Which notes a list shows, and in which order. Pure. */
import type { StoredNote } from '../data/schema.ts';

export interface NoteFilter {
  readonly text: string;
  readonly tag: string | null;
}

/** Every word must occur somewhere in the title, the text or the tags. */
export function searchNotes(notes: readonly StoredNote[], filter: NoteFilter): readonly StoredNote[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return notes
    .filter((note) => filter.tag === null || tagsOf(note).includes(filter.tag))
    .filter((note) => words.length === 0 || containsAll(note, words))
    .toSorted(byPinThenTime);
}

/** Tags by how many notes carry them, the most common first. */
export function commonTags(notes: readonly StoredNote[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const tag of notes.flatMap(tagsOf)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([tag]) => tag);
}

/** Other programs may have left the tags out. */
export function tagsOf(note: StoredNote): readonly string[] {
  return Array.isArray(note.tags) ? note.tags : [];
}

/** The first lines of the text, as one. */
export function excerptOf(note: StoredNote): string {
  return String(note.body ?? '')
    .slice(0, 200)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

export function noteName(note: { readonly title?: unknown }): string {
  return String(note.title ?? '').trim() || 'Untitled';
}

/** When it was last written; a note that does not say so has the time that its id was made (UUIDv7), if it has one. */
export function editedAtOf(note: StoredNote): number {
  if (typeof note.editedAt === 'number') return note.editedAt;
  const made = /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(note.id) ? parseInt(note.id.slice(0, 13).replace('-', ''), 16) : 0;
  return Number.isNaN(made) ? 0 : made;
}

function containsAll(note: StoredNote, words: readonly string[]): boolean {
  const text = [note.title, note.body, ...tagsOf(note)].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

function byPinThenTime(a: StoredNote, b: StoredNote): number {
  return (
    Number(b.pinned === true) - Number(a.pinned === true) || editedAtOf(b) - editedAtOf(a) || (a.id < b.id ? 1 : -1)
  );
}

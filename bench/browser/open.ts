/** The databases that the benchmark opens. */
import { collection, open, type Db } from '@skerry/sdk';

import type { Note } from './notes.ts';

/** Where the sync server listens; the page was told by its address. */
export function syncUrl(): string {
  return new URLSearchParams(location.search).get('sync')!;
}

const collections = { notes: collection<Note>({ indexes: ['updatedAt'] }) };
export type NotesDb = Db<typeof collections>;

export function openNotes(name: string, space?: string): Promise<NotesDb> {
  return open({
    name: `bench-${name}`,
    collections,
    ...(space === undefined ? {} : { sync: { url: syncUrl(), space } }),
  });
}

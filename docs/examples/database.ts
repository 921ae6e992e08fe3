/** The database of all examples: notes that stay on this device. */
import { ask, collection, lww, open } from '@skerry/sdk';

export interface Note {
  title: string;
  pinned: boolean;
}

export const db = await open({
  name: 'examples',
  collections: { notes: collection<Note>({ fields: { title: ask(), pinned: lww() } }) },
});

export const container = document.querySelector('main')!;

/** An app that checks the declarations it uses as well (`skipLibCheck: false`), with no more than the libraries a template gives it. */
import { collection, open, type Stored } from '@skerry/sdk';
import { useLive } from '@skerry/sdk/react';

interface Note {
  title: string;
}

const collections = { notes: collection<Note>({}) };

export async function useHandle(): Promise<void> {
  await using db = await open({ name: 'notes', collections });
  await db.notes.insert({ title: 'Hello' });
  const notes: readonly Stored<Note>[] | undefined = useLive(db.notes);
  notes?.at(0)?.title.trim();
}

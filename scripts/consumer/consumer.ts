/**
 * What programs do with the published packages. `check-packages.ts` compiles it against `dist`, as a bundler and as Node
 * resolve it; it is never run.
 */
import { ask, collection, counter, lww, open, set, type Conflict, type Db } from '@skerry/sdk';
import { flushOnSync, flushOutbox, type ServiceWorkerScope } from '@skerry/sdk/service-worker';
import { createSyncServer, sqlite, type SyncServer } from '@skerry/server';

interface Note {
  title: string;
  tags: string[];
  stars: number;
  pinned: boolean;
}

const collections = {
  notes: collection<Note>({ fields: { title: ask(), tags: set(), stars: counter(), pinned: lww() } }),
};

export async function useSdk(): Promise<readonly Conflict[]> {
  const db: Db<typeof collections> = await open({ name: 'notes', collections, sync: { url: '/sync' } });
  const id: string = await db.notes.insert({ title: 'Hello', tags: [], stars: 0, pinned: false });
  db.notes.live({ orderBy: '-title' }).subscribe((notes) => exactly<string | undefined>(notes[0]?.title));
  db.status$.subscribe(({ pending }) => exactly<number>(pending.changes));
  // @ts-expect-error a number is no title: a declaration that resolved to `any` would let it pass
  await db.notes.update(id, { title: 1 });
  return db.conflicts$.value;
}

export async function useServer(): Promise<string> {
  const server: SyncServer = await createSyncServer({ storage: sqlite('./data/skerry.db') });
  // @ts-expect-error a port is a number
  await server.listen('4321');
  const { url } = await server.listen(4321);
  return exactly<string>(url);
}

export async function useServiceWorker(scope: ServiceWorkerScope): Promise<boolean> {
  flushOnSync(scope, { token: async (name) => exactly<string>(name) });
  // @ts-expect-error a token comes from a function: none is stored
  flushOnSync(scope, { token: 'secret' });
  const outcome = await flushOutbox('notes');
  return outcome.type === 'flushed' || outcome.reason.retryable;
}

function exactly<T>(value: T): T {
  return value;
}

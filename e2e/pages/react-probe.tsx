/** A React page that tells what its hooks do: every render, every subscription. For react.spec.ts. */
import { Component, StrictMode, useEffect, useState, version, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { Observable, throwError } from 'rxjs';
import { collection, lww, open, type Collection, type LiveQuery } from '@skerry/sdk';
import { useConflicts, useLive, useLiveOne, useSyncStatus, useValue } from '@skerry/sdk/react';

interface Note {
  title: string;
  group: string;
}

interface Shown {
  readonly group: string;
  readonly chosen: string | null;
  readonly rest: number;
}

declare global {
  interface Window {
    probe: {
      readonly version: string;
      readonly notes: Collection<Note>;
      /** What each render showed: the group that was asked for and those of the rows. */
      readonly renders: { readonly asked: string; readonly groups: readonly string[] | null }[];
      readonly subscriptions: { made: number; open: number };
      show(next: Partial<Shown>): void;
      close(): Promise<void>;
      fail(): void;
    };
  }
}

const db = await open({
  name: 'react-probe',
  collections: { notes: collection<Note>({ fields: { title: lww() }, indexes: ['group'] }) },
});
const subscriptions = { made: 0, open: 0 };
const renders: Window['probe']['renders'] = [];
const watched: Collection<Note> = { ...db.notes, live: (query) => count(db.notes.live(query)) };
const failing: Collection<Note> = {
  ...db.notes,
  live: () =>
    Object.assign(
      throwError(() => new Error('cannot be read')),
      { value: undefined },
    ),
};

function count<T>(source: LiveQuery<T>): LiveQuery<T> {
  const counted = new Observable<T>((subscriber) => {
    subscriptions.made += 1;
    subscriptions.open += 1;
    const subscription = source.subscribe(subscriber);
    return () => {
      subscriptions.open -= 1;
      subscription.unsubscribe();
    };
  });
  return Object.defineProperty(counted, 'value', { get: () => source.value }) as LiveQuery<T>;
}

function Notes({ group, chosen, rest }: Shown): ReactNode {
  // A literal in every render: the query says the same all the same.
  const notes = useLive(watched, { where: { group }, orderBy: 'title' });
  const one = useLiveOne(db.notes, chosen);
  const counts = [useConflicts(db).length, useValue(db.outbox$).length, rest];
  renders.push({ asked: group, groups: notes?.map((note) => note.group) ?? null });
  return (
    <>
      <ul>
        {notes?.map(({ id, title }) => (
          <li key={id}>{title}</li>
        ))}
      </ul>
      <p>{one === null ? 'none' : (one?.title ?? 'loading')}</p>
      <output>
        {useSyncStatus(db).connection} {counts.join(' ')}
      </output>
    </>
  );
}

function Failing(): ReactNode {
  useLive(failing);
  return 'not failed yet';
}

class Boundary extends Component<{ readonly children: ReactNode }, { readonly message: string | null }> {
  override state = { message: null };
  static getDerivedStateFromError(error: Error): { message: string } {
    return { message: error.message };
  }
  override render(): ReactNode {
    return this.state.message ?? this.props.children;
  }
}

function Page(): ReactNode {
  const [shown, setShown] = useState<Shown | null>({ group: 'a', chosen: null, rest: 0 });
  const [isFailing, setFailing] = useState(false);
  useEffect(() => {
    window.probe = {
      version,
      notes: db.notes,
      renders,
      subscriptions,
      show: (next) => setShown((before) => ({ group: 'a', chosen: null, rest: 0, ...before, ...next })),
      close: async () => setShown(null),
      fail: () => setFailing(true),
    };
  }, []);
  return (
    <>
      {shown && <Notes {...shown} />}
      {isFailing && (
        <Boundary>
          <Failing />
        </Boundary>
      )}
    </>
  );
}

createRoot(document.querySelector('main')!).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);

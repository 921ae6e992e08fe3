/**
 * Which versions lost when somebody decided, for the history: the SDK's history says what was shown and when, not why it
 * went. Remembered in this browser, the latest few hundred; a device that was not there knows of none.
 */
import { useSyncExternalStore } from 'react';

export interface LostVersions {
  add(keys: readonly string[]): void;
  subscribe(onChange: () => void): () => void;
  getSnapshot(): ReadonlySet<string>;
}

type Store = Pick<Storage, 'getItem' | 'setItem'>;

const MOST = 300;

export function openLostVersions(store: Store, databaseName: string): LostVersions {
  const storageKey = `skerry.lost/${databaseName}`;
  const listeners = new Set<() => void>();
  let known: ReadonlySet<string> = new Set(read(store.getItem(storageKey)));
  return {
    add: (keys) => {
      // Another tab may have added to it.
      const all = [...new Set([...read(store.getItem(storageKey)), ...known, ...keys])].slice(-MOST);
      known = new Set(all);
      try {
        store.setItem(storageKey, JSON.stringify(all));
      } catch {
        // No space: it is known until the page is left.
      }
      for (const listener of listeners) listener();
    },
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    getSnapshot: () => known,
  };
}

export function useLostVersions({ subscribe, getSnapshot }: LostVersions): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, getSnapshot);
}

function read(text: string | null): readonly string[] {
  try {
    const keys: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
  } catch {
    return [];
  }
}

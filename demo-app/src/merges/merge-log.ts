/**
 * What was merged without asking anybody, of the last week: the SDK tells it while it happens (`events$`) and keeps no list. It is
 * remembered in this browser; what happened while no window was open is not in it.
 */
import { useSyncExternalStore } from 'react';

export interface Merge {
  readonly noteId: string;
  /** When it came together here, in milliseconds since 1970. */
  readonly at: number;
  /** Which of the note's edits met; the same in every window. */
  readonly edit: number;
  readonly people: readonly MergedPerson[];
}

export interface MergedPerson {
  readonly id: string;
  readonly name: string;
}

export interface MergeLog {
  add(merge: Merge): void;
  subscribe(onChange: () => void): () => void;
  /** The latest first. */
  getSnapshot(): readonly Merge[];
}

type Store = Pick<Storage, 'getItem' | 'setItem'>;

const MOST = 200;
const WEEK_MS = 7 * 24 * 60 * 60_000;

export function openMergeLog(store: Store, databaseName: string, now: () => number = Date.now): MergeLog {
  const storageKey = `skerry.merged/${databaseName}`;
  const listeners = new Set<() => void>();
  let known = lately(read(store.getItem(storageKey)), now());
  return {
    add: (merge) => {
      // Another window may have written the same one, or others.
      const others = [...read(store.getItem(storageKey)), ...known].filter((other) => keyOf(other) !== keyOf(merge));
      known = lately([merge, ...new Map(others.map((other) => [keyOf(other), other])).values()], now());
      try {
        store.setItem(storageKey, JSON.stringify(known));
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

export function useMerges({ subscribe, getSnapshot }: MergeLog): readonly Merge[] {
  return useSyncExternalStore(subscribe, getSnapshot);
}

/** '12 edits were merged automatically this week.'; null when there were none. */
export function mergesText(merges: readonly Merge[]): string | null {
  if (merges.length === 0) return null;
  return merges.length === 1
    ? 'One edit was merged automatically this week.'
    : `${merges.length} edits were merged automatically this week.`;
}

function keyOf({ noteId, edit }: Merge): string {
  return `${noteId} ${edit}`;
}

function lately(merges: readonly Merge[], now: number): readonly Merge[] {
  return merges
    .filter(({ at }) => now - at < WEEK_MS)
    .toSorted((a, b) => b.at - a.at)
    .slice(0, MOST);
}

function read(text: string | null): readonly Merge[] {
  try {
    const merges: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(merges) ? merges.filter(isMerge) : [];
  } catch {
    return [];
  }
}

function isMerge(value: unknown): value is Merge {
  const { noteId, at, edit, people } = (value ?? {}) as Partial<Merge>;
  return typeof noteId === 'string' && typeof at === 'number' && typeof edit === 'number' && Array.isArray(people);
}

/**
 * Connects a draft to the database: saves a moment after the last key, at the latest two seconds after the first, and
 * at once when asked to (leaving the field, the page or the note). Saves go one after the other. A save that fails is
 * told and stays dirty; the next key or flush tries it again.
 */
import type { ReadToken } from '@skerry/sdk';

import { newDraft, showsStored, stepDraft, type Draft, type DraftEvent } from './draft.ts';

export interface DraftPorts {
  readonly readToken: () => Promise<ReadToken>;
  /** `seen`: what the writer had seen. */
  readonly save: (value: string, seen: ReadToken) => Promise<void>;
  /** What is stored now; undefined when the row is gone. */
  readonly load: () => Promise<string | undefined>;
  readonly onError: (error: unknown) => void;
  /** A write of someone who had seen a conflict in this field has settled it. */
  readonly onSettled: () => void;
}

export interface DraftField {
  subscribe(onChange: () => void): () => void;
  getSnapshot(): Draft;
  send(event: Exclude<DraftEvent, { type: 'saved' }>): void;
  /** Resolves when what is shown now has been saved, or has failed to. */
  flush(): Promise<void>;
}

const QUIET_MS = 300;
const LONGEST_MS = 2000;

export function createDraftField(ports: DraftPorts, stored: string, isConflicted: boolean): DraftField {
  let draft = newDraft(stored, isConflicted);
  let seen = ports.readToken();
  let saving = Promise.resolve();
  let quiet: ReturnType<typeof setTimeout> | undefined;
  let dirtySinceMs = 0;
  const listeners = new Set<() => void>();
  seen.catch(() => {}); // told when a save needs it

  function step(event: DraftEvent): void {
    const next = stepDraft(draft, event);
    if (showsStored(next) && (event.type === 'stored' || event.type === 'focused')) renewSeen();
    if (event.type === 'typed') saveSoon(!draft.isDirty);
    draft = next;
    for (const listener of listeners) listener();
  }

  function renewSeen(): void {
    seen = ports.readToken();
    seen.catch(() => {});
  }

  function saveSoon(isFirstKey: boolean): void {
    if (isFirstKey) dirtySinceMs = performance.now();
    clearTimeout(quiet);
    const waitedMs = performance.now() - dirtySinceMs;
    quiet = setTimeout(() => void flush(), Math.max(0, Math.min(QUIET_MS, LONGEST_MS - waitedMs)));
  }

  function flush(): Promise<void> {
    clearTimeout(quiet);
    if (draft.isDirty) saving = saving.then(saveOnce);
    return saving;
  }

  async function saveOnce(): Promise<void> {
    if (!draft.isDirty) return;
    const value = draft.shown;
    const settles = draft.isConflicted && !draft.isHeld;
    try {
      await ports.save(value, await seen);
      dirtySinceMs = performance.now();
      step({ type: 'saved', value });
      if (settles) ports.onSettled();
      await showStored();
    } catch (error) {
      ports.onError(error);
    }
  }

  /** What came in during the save was not shown; it is read again, because the live query does not repeat itself. */
  async function showStored(): Promise<void> {
    const value = await ports.load();
    if (value !== undefined) step({ type: 'stored', value, isConflicted: draft.isConflicted });
  }

  return {
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    getSnapshot: () => draft,
    send: (event) => {
      step(event);
      if (event.type === 'left') void flush().then(showStored).catch(ports.onError);
    },
    flush,
  };
}

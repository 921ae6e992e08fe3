/**
 * The states that were read while the database was being opened, beside its identity, so that opening waits for one answer of
 * the browser less. They count until somebody writes.
 */
import { Dexie, type ObservabilitySet } from 'dexie';

import type { StoredStates } from './read-states.ts';

export interface EarlyStates {
  begin(read: () => Promise<StoredStates | null>): void;
  /** Once; null when something was written since, or they could not be read. */
  take(): Promise<StoredStates | null>;
  /** They count no more. */
  drop(): void;
}

/** `database`: announcements about others do not matter. */
export function readEarly(database: string): EarlyStates {
  let reading: Promise<StoredStates | null> | null = null;
  const prefix = `idb://${database}/`;
  const listener = (parts: ObservabilitySet): void => {
    if ('all' in parts || Object.keys(parts).some((part) => part.startsWith(prefix))) drop();
  };
  const drop = (): void => {
    reading = null;
    Dexie.on.storagemutated.unsubscribe(listener);
  };
  return {
    begin(read) {
      drop();
      Dexie.on.storagemutated.subscribe(listener);
      // Whatever is wrong is told to whoever reads them again.
      reading = attempt(read);
    },
    async take() {
      const mine = reading;
      const states = await mine;
      const isCurrent = mine === reading;
      drop();
      return isCurrent ? states : null;
    },
    drop,
  };
}

async function attempt(read: () => Promise<StoredStates | null>): Promise<StoredStates | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

/**
 * Calls of the store that ended their host: a page of the log on which this browser runs out of memory would end it again
 * and again, each time it comes. The page of the app outlives its worker, so it remembers what was under way.
 *
 * A call at which hosts ended DEATHS times is not made any more until the app is opened anew; everything else goes on.
 */
import type { LinkEffect } from '../session/events.ts';
import type { Problem } from '../session/sync-state.ts';

export const DEATHS = 3;

/** Of one page, for all its hosts. */
export interface DeadlyCalls {
  /** Whether a host of this page has ended: then the next one tells what it does. */
  readonly isWatching: boolean;
  /** What is not tried any more. */
  readonly refused: readonly string[];
  /** A host began a call, or ended one: null. */
  calling(call: string | null): void;
  hostEnded(): void;
}

export function createDeadlyCalls(): DeadlyCalls {
  const deaths = new Map<string, number>();
  let current: string | null = null;
  let isWatching = false;
  return {
    get isWatching() {
      return isWatching;
    },
    get refused() {
      return [...deaths].flatMap(([call, count]) => (count >= DEATHS ? [call] : []));
    },
    calling: (call) => void (current = call),
    hostEnded() {
      isWatching = true;
      if (current !== null) deaths.set(current, (deaths.get(current) ?? 0) + 1);
      current = null;
    },
  };
}

/** How a host takes part; what a page tells it when it starts. */
export interface CallWatch {
  readonly refused: readonly string[];
  tell(call: string | null): void;
}

/** The same for the same call on every connection; null: not worth telling. */
export function nameOfCall(effect: LinkEffect): string | null {
  switch (effect.type) {
    case 'ingest': {
      const [first] = effect.page.entries;
      if (first === undefined) return null;
      return `taking in the log from ${first.stamp.join(':')} on`;
    }
    case 'ingest-snapshot':
      return `taking in piece ${effect.piece.piece} of the snapshot ${effect.piece.id}`;
    case 'reject':
    case 'recover':
      return `taking back ${effect.dot}`;
    case 'load-outbox':
      return `reading the outbox behind ${effect.after}`;
    case 'correct-clock':
      return `stamping anew what is behind ${effect.after}`;
    case 'load-identity':
    case 'open-transport':
    case 'send':
    case 'close-transport':
    case 'note-server-time':
    case 'inspect':
      return null;
  }
}

export function deadly(call: string): Problem {
  const message = `Syncing ended ${DEATHS} times while ${call}. That is left out until the app is opened anew.`;
  return { code: 'INTERNAL', message };
}

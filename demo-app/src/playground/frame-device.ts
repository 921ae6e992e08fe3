/**
 * A device of the playground: the app in a frame, under the name of its person and with a database of its own. The page
 * holds the handle that the app in the frame has opened.
 */
import { BehaviorSubject } from 'rxjs';

import { databaseNameOf } from '../data/identity.ts';
import { cutNetwork } from '../data/network-switch.ts';
import type { DemoDb } from '../data/schema.ts';
import type { Character } from './cast.ts';
import { describeChange } from './describe-change.ts';
import type { Heard } from './timeline/recording.ts';
import { until } from './until.ts';

export interface FrameState {
  /** Null while the app is opening. */
  readonly db: DemoDb | null;
  /** One more for each window that was torn away: the frame is another one. */
  readonly window: number;
  /** The address that its frame opens. */
  readonly src: string;
}

export interface FrameDevice extends Character {
  /** In minutes; 0: it is right. */
  readonly clockAheadMinutes: number;
  readonly state$: BehaviorSubject<FrameState>;
  /** Throws while the app is opening. */
  readonly db: DemoDb;
  opened(): Promise<DemoDb>;
  /** For the frame's `ref`: from here on the app in it is listened to. */
  readonly attach: (frame: HTMLIFrameElement | null) => void;
  cut(cut: boolean): void;
  /** The window is torn away as it stands; another one opens in its place. */
  crash(): Promise<DemoDb>;
  /** Goes to a place of the app, where a window that opens later begins as well. */
  show(hash: string): void;
}

export interface FrameOptions {
  readonly character: Character;
  readonly space: string;
  readonly clockAheadMinutes: number;
  readonly tell: (heard: Heard) => void;
}

const OPENING_MS = 20_000;
const START = '#/notes';

export function createFrameDevice({ character, space, clockAheadMinutes, tell }: FrameOptions): FrameDevice {
  const { id, user, device } = character;
  const databaseName = databaseNameOf(space, user, device);
  const srcAt = (hash: string): string => addressOf(character, { space, clockAheadMinutes, hash });
  let place = START;
  const state$ = new BehaviorSubject<FrameState>({ db: null, window: 0, src: srcAt(place) });
  let frame: HTMLIFrameElement | null = null;

  // Told by the app in the moment in which its database is open: nothing has happened to it before.
  const listen = (): void => {
    const db = frame?.contentWindow?.skerry;
    if (!db || db === state$.value.db) return;
    db.events$.subscribe((event) => {
      tell({ device: id, event });
      if (event.type === 'local-write') tellAbout(db, event.dot);
    });
    // Of a window that was torn away nobody could ask any more.
    for (const { id: dot } of db.outbox$.value) tellAbout(db, dot);
    state$.next({ ...state$.value, db });
  };
  const tellAbout = (db: DemoDb, dot: string): void =>
    void describeChange(db, dot).then(
      (about) => tell({ device: id, dot, about }),
      // The window may be gone by then; the change is shown without words.
      () => undefined,
    );
  const opened = (): Promise<DemoDb> =>
    until(state$, ({ db }) => db, { ms: OPENING_MS, failure: `${device} does not open` });

  return {
    ...character,
    clockAheadMinutes,
    state$,
    get db() {
      const { db } = state$.value;
      if (!db) throw new Error(`${device} is opening`);
      return db;
    },
    opened,
    attach(element) {
      frame?.removeEventListener('skerry', listen);
      frame = element;
      frame?.addEventListener('skerry', listen);
    },
    cut: (cut) => cutNetwork(state$.value.db!, databaseName, cut),
    crash() {
      tell({ device: id, crash: true });
      state$.next({ db: null, window: state$.value.window + 1, src: srcAt(place) });
      return opened();
    },
    show(hash) {
      place = hash;
      if (frame?.contentWindow) frame.contentWindow.location.hash = hash;
    },
  };
}

function addressOf(
  { user, device }: Character,
  { space, clockAheadMinutes, hash }: Pick<FrameOptions, 'space' | 'clockAheadMinutes'> & { readonly hash: string },
): string {
  const query = new URLSearchParams({ user, device, space });
  if (clockAheadMinutes !== 0) query.set('clock', String(clockAheadMinutes));
  return `?${query}${hash}`;
}

/**
 * A device's storage that outlives its connection. What found the connection dead is done again over a new one, whole,
 * where doing it twice is doing it once; the rest fails, and whoever syncs connects anew and finds out how things stand.
 */
import type { DeviceStore } from './device-store.ts';
import { troubleOf } from './lost-connection.ts';

/** A page that comes twice is skipped the second time, and the others write nothing that they have not read. */
const REPEATABLE = ['readIdentity', 'readOutbox', 'ingest', 'ingestSnapshot', 'noteServerTime', 'inspect'] as const;
const ONCE = ['correctClock', 'recover', 'reject'] as const;
/** A browser that lost its database server refuses the next connections too, for a moment. */
const RESTS_MS = [0, 100, 400] as const;

/** `forget` lets go of the connection that failed. */
export function reconnecting(store: DeviceStore, forget: () => void): DeviceStore {
  const repeated = REPEATABLE.map((name) => [name, again(store[name].bind(store) as Call, forget)] as const);
  const noted = ONCE.map((name) => [name, again(store[name].bind(store) as Call, forget, [])] as const);
  return { ...store, ...(Object.fromEntries([...repeated, ...noted]) as Partial<DeviceStore>) };
}

type Call = (...args: unknown[]) => Promise<unknown>;

function again(call: Call, forget: () => void, restsMs: readonly number[] = RESTS_MS): Call {
  return async (...args) => {
    for (let tries = 0; ; tries++) {
      try {
        return await call(...args);
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === 'lost') forget();
        const most = trouble === 'lost' ? restsMs.length : Math.min(1, restsMs.length);
        if (trouble === null || tries >= most) throw error;
        await new Promise((resolve) => setTimeout(resolve, restsMs[tries]));
      }
    }
  };
}

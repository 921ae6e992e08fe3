/** Timers by name: setting one again replaces it, and one that was cleared never fires. */
import type { TimerName } from '../session/events.ts';
import type { Clock } from './clock.ts';

export interface Timers {
  set(name: TimerName, afterMs: number): void;
  clear(name: TimerName): void;
}

export function createTimers(clock: Clock, fire: (name: TimerName) => void): Timers {
  const cancels = new Map<TimerName, () => void>();
  const clear = (name: TimerName): void => {
    cancels.get(name)?.();
    cancels.delete(name);
  };
  return {
    clear,
    set(name, afterMs) {
      clear(name);
      const cancel = clock.after(afterMs, () => {
        cancels.delete(name);
        fire(name);
      });
      cancels.set(name, cancel);
    },
  };
}

/** Whether a database handle is open, and the signal that ends everything that hangs on it. */
import { SkerryError } from '../lib/errors.ts';

export interface Lifetime {
  readonly isClosed: boolean;
  /** Throws CLOSED. */
  assertOpen(): void;
  /** Calls back once: at close(), or at once when that has happened. */
  onClose(callback: () => void): void;
  close(): void;
}

export function createLifetime(): Lifetime {
  const callbacks: (() => void)[] = [];
  let isClosed = false;
  return {
    get isClosed() {
      return isClosed;
    },
    assertOpen: () => {
      if (isClosed) throw new SkerryError('CLOSED', 'This database handle was closed.');
    },
    onClose: (callback) => {
      if (isClosed) callback();
      else callbacks.push(callback);
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      for (const callback of callbacks) callback();
    },
  };
}

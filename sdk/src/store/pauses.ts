/** Long work in short pieces: whoever shows or types something goes first. */

/** Far below what a person notices, and what a browser calls a long task. */
const PIECE_MS = 8;

export interface Pauses {
  /** Between two steps, outside of transactions: waits when the piece of work is long enough. */
  breathe(): Promise<void>;
}

export function createPauses(): Pauses {
  let sinceMs = performance.now();
  return {
    async breathe() {
      if (performance.now() - sinceMs < PIECE_MS) return;
      await new Promise((resolve) => setTimeout(resolve));
      sinceMs = performance.now();
    },
  };
}

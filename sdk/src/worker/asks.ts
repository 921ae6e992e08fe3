/** Questions that a page has put to its host and that will be answered, or not: none of them waits for ever. */

export interface Asks {
  /** Resolves when `ask` is answered, when everything is, or after the time limit. */
  wait(ask: string): Promise<void>;
  answer(ask: string): void;
  answerAll(): void;
}

export function createAsks(limitMs: number): Asks {
  const open = new Map<string, () => void>();
  return {
    wait: (ask) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(limit);
          open.delete(ask);
          resolve();
        };
        const limit = setTimeout(done, limitMs);
        open.set(ask, done);
      }),
    answer: (ask) => open.get(ask)?.(),
    answerAll() {
      for (const done of open.values()) done();
    },
  };
}

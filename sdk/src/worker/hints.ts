/** One hint is on the way at a time, and one more afterwards says as much as a hundred. */
export function createHints(send: () => Promise<void>): () => void {
  let isOnTheWay = false;
  let isStale = false;
  const hint = (): void => {
    isStale = isOnTheWay;
    if (isOnTheWay) return;
    isOnTheWay = true;
    void send().finally(() => {
      isOnTheWay = false;
      if (isStale) hint();
    });
  };
  return hint;
}

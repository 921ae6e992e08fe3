/** Steps that are done in the order in which they were given, though some are not known yet; at once when nothing is in front. */
export type Step = () => void;

export function inOrder(): (step: Step | Promise<Step>) => void {
  let last: Promise<void> | null = null;
  return (step) => {
    if (last === null && typeof step === 'function') return step();
    const before = last ?? Promise.resolve();
    const next: Promise<void> = Promise.all([before, step]).then(([, known]) => {
      if (last === next) last = null;
      known();
    });
    last = next;
    // A broken invariant is as uncaught as it would be without the wait.
    next.catch((error: unknown) =>
      queueMicrotask(() => {
        throw error;
      }),
    );
  };
}

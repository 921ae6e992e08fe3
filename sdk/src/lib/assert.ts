/** A broken invariant of our own: stops at once, because going on would spread it to other replicas. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${message}`);
}

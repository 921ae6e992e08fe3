/**
 * Bundlers find the worker by the literal below, spelled exactly so; the build of the package replaces the path by
 * './worker.js', which lies beside the code that starts it.
 */
export function spawnWorker(): Worker {
  return new Worker(new URL('../worker.ts', import.meta.url), { type: 'module' });
}

/** How the page times what it does: two ways in turns, and which work of the SDK held up the main thread. */

/** Two ways to do one thing, taken in turns so that whatever else the machine does slows both. */
export interface Pair {
  readonly skerry: readonly number[];
  readonly raw: readonly number[];
}

/** A main-thread task over 50 ms, and what the SDK was asked to do at that time. */
export interface LongTask {
  readonly during: string;
  readonly ms: number;
}

interface Span {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

const spans: Span[] = [];
const tasks: PerformanceEntry[] = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: 'longtask', buffered: true });

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** timed(), and the main thread is watched meanwhile. */
export async function watched(name: string, work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  const ms = await timed(work);
  spans.push({ name, startMs, endMs: performance.now() });
  return ms;
}

export async function inTurns(
  name: string,
  times: number,
  skerry: (index: number) => Promise<unknown>,
  raw: (index: number) => Promise<unknown>,
  /** After each; nobody's time. */
  rest: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Pair> {
  const result = { skerry: [] as number[], raw: [] as number[] };
  for (let i = 0; i < times; i += 1) {
    result.raw.push(await timed(() => raw(i)));
    await rest();
    await nextTask();
    result.skerry.push(await watched(name, () => skerry(i)));
    await rest();
    await nextTask();
  }
  return result;
}

/** A task belongs to one of the two: what one begins would count as the other's otherwise. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Of all that was watched so far, the longest first. */
export function longTasks(): readonly LongTask[] {
  return tasks
    .flatMap(({ startTime, duration }) => {
      const span = spans.find(({ startMs, endMs }) => startTime < endMs && startTime + duration > startMs);
      return span ? [{ during: span.name, ms: duration }] : [];
    })
    .toSorted((a, b) => b.ms - a.ms);
}

export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

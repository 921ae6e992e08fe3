/**
 * Hybrid logical clock (Kulkarni et al. 2014): ranks writes that are truly concurrent and labels them with a time.
 *
 * A stamp is one safe integer, milliseconds * 1024 + counter. Counting past 1023 carries into the milliseconds by
 * itself, and comparing, storing and sending it need nothing but a number. It never decides what happened before
 * what: a wrong clock can make last-write-wins unfair, never lose, hide or reorder a write.
 */

export type Hlc = number;

const COUNTS_PER_MS = 1024;
/** In the year 2248; a clock beyond it counts on from there, and room is left to count. */
const MAX_MS = 2 ** 43 - 2 ** 30;

/** The stamp of a local write: later than everything seen here, and not before the wall clock. */
export function tick(last: Hlc, nowMs: number): Hlc {
  return Math.max(last + 1, Math.min(nowMs, MAX_MS) * COUNTS_PER_MS);
}

/**
 * A clock does not follow a stamp that is further ahead than this: no server that is right admits one, and whoever follows
 * it is refused by every other server. A day, so that a wall clock that was put back does not matter.
 */
export const MAX_LEAD_MS = 86_400_000;

/**
 * The latest that it may be: by the wall clock, or by what a server said how wrong that is. Either may be out of date since
 * somebody put the clock right or wrong; to follow too much is healed by the next server, to follow nothing is not.
 */
export function latestNow(nowMs: number, offsetMs: number): number {
  return nowMs + Math.max(0, offsetMs);
}

/** The clock after a change stamped `received` was applied, when it may be as late as `nowMs`. */
export function receive(last: Hlc, received: Hlc, nowMs: number): Hlc {
  return msOf(received) > nowMs + MAX_LEAD_MS ? last : Math.max(last, received);
}

/** The wall-clock part in milliseconds since 1970. */
export function msOf(hlc: Hlc): number {
  return Math.floor(hlc / COUNTS_PER_MS);
}

/** The smallest stamp of a millisecond. */
export function hlcAt(ms: number): Hlc {
  return ms * COUNTS_PER_MS;
}

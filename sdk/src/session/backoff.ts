/**
 * Full-jitter exponential back-off (AWS Architecture Blog, 2015): every attempt waits a random part of a ceiling that
 * doubles, so that devices which lost the server together do not come back together.
 */

export const BACKOFF = {
  firstCeilingMs: 500,
  /** With nothing to send. */
  longestMs: 60_000,
  /** With changes waiting: they must be on their way within 30 s of a healed network, and a connect may take 10 s. */
  longestUnsentMs: 20_000,
  /** Even the luckiest draw does not hammer a server. */
  shortestMs: 100,
} as const;

/** Milliseconds to wait before attempt number `attempt` (1, 2, 3 …). `fraction` is random in [0, 1). */
export function backoffMs(attempt: number, longestMs: number, fraction: number): number {
  const doublings = Math.min(Math.max(attempt, 1) - 1, 30);
  const ceiling = Math.min(longestMs, BACKOFF.firstCeilingMs * 2 ** doublings);
  return Math.max(BACKOFF.shortestMs, Math.round(fraction * ceiling));
}

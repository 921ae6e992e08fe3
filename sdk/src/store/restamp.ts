/**
 * A device whose clock is ahead: the server refuses its stamps, so what no server holds gets the stamps that it would
 * have had with the server's clock. Order is kept, nothing is dropped, and later writes are right from the start.
 */
import { hlcAt, msOf, tick } from '../core/clock.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { OutboxRow, ReplicaRow } from './layout.ts';

export interface RestampMoment {
  readonly serverNowMs: number;
  /** This device's wall clock. */
  readonly nowMs: number;
}

/** Differences below this are the time that the message took. */
const NOISE_MS = 2_000;

/** How far ahead of the server's time a corrected stamp may go on from what was seen; well inside what servers bear. */
const MOST_AHEAD_MS = DEFAULT_LIMITS.driftMs / 2;

/** A server told its time: later writes are stamped by it, whether this device's clock is wrong or right again. */
export function withServerTime(replica: ReplicaRow, { serverNowMs, nowMs }: RestampMoment): ReplicaRow {
  const measuredMs = Math.round(serverNowMs - nowMs);
  const offsetMs = Math.abs(measuredMs) < NOISE_MS ? 0 : measuredMs;
  return Math.abs(offsetMs - replica.offsetMs) < NOISE_MS ? replica : { ...replica, offsetMs };
}

/** `rows` are those after `last`, the newest change that the server has; only rows with a head are returned. */
export function planRestamp(
  replica: ReplicaRow,
  rows: readonly OutboxRow[],
  last: OutboxRow | undefined,
  { serverNowMs, nowMs }: RestampMoment,
): { readonly replica: ReplicaRow; readonly heads: readonly OutboxRow[] } {
  const offsetMs = Math.round(serverNowMs - nowMs);
  const shiftMs = offsetMs - replica.offsetMs;
  // What was stamped while the server's own clock was wrong is no reason to go on ahead: every later write would be refused.
  const latest = hlcAt(serverNowMs + MOST_AHEAD_MS);
  const received = Math.min(replica.received, latest);
  let hlc = Math.min(Math.max(received, last?.head?.hlc ?? hlcAt(0)), latest);
  const heads = rows.flatMap((row) => {
    if (!row.head) return [];
    hlc = tick(hlc, Math.min(msOf(row.head.hlc) + shiftMs, serverNowMs));
    return [{ ...row, head: { ...row.head, hlc } }];
  });
  return { replica: { ...replica, offsetMs, received, hlc }, heads };
}

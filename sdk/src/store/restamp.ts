/**
 * A device whose clock is ahead: the server refuses its stamps, so what no server holds gets the stamps that it would
 * have had with the server's clock. Order is kept, nothing is dropped, and later writes are right from the start.
 */
import { hlcAt, msOf, tick } from '../core/clock.ts';
import type { OutboxRow, ReplicaRow } from './layout.ts';

export interface RestampMoment {
  readonly serverNowMs: number;
  /** This device's wall clock. */
  readonly nowMs: number;
}

/** Differences below this are the time that the message took. */
const NOISE_MS = 2_000;

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
  let hlc = Math.max(replica.received, last?.head?.hlc ?? hlcAt(0));
  const heads = rows.flatMap((row) => {
    if (!row.head) return [];
    hlc = tick(hlc, Math.min(msOf(row.head.hlc) + shiftMs, serverNowMs));
    return [{ ...row, head: { ...row.head, hlc } }];
  });
  return { replica: { ...replica, offsetMs, hlc }, heads };
}

/**
 * Moments of an interval as numbers that can be compared on every replica alike. Three kinds that do not mix: plain
 * numbers; instants (ISO 8601 with a zone); and wall time (ISO 8601 without one, as the clock in the room shows it),
 * which is never read in the zone of the device.
 */
import type { Json } from '../lib/json.ts';

export interface Moment {
  readonly kind: 'number' | 'instant' | 'wall';
  readonly at: number;
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:(Z)|([+-])(\d{2}):(\d{2}))?)?$/;
const MINUTE_MS = 60_000;

/** Null when the value is no moment: it takes part in nothing. */
export function momentOf(value: Json | undefined): Moment | null {
  if (typeof value === 'number') return { kind: 'number', at: value };
  const parts = typeof value === 'string' ? ISO.exec(value) : null;
  if (!parts) return null;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as Six;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const fractionMs = Number(`0.${parts[7] ?? '0'}`) * 1000;
  const at = ((daysBefore(year, month, day) * 24 + hour) * 60 + minute) * MINUTE_MS + second * 1000 + fractionMs;
  if (parts[8]) return { kind: 'instant', at };
  if (!parts[9]) return { kind: 'wall', at };
  const [hours, minutes] = [Number(parts[10]), Number(parts[11])];
  if (hours > 23 || minutes > 59) return null;
  const offset = (hours * 60 + minutes) * MINUTE_MS;
  return { kind: 'instant', at: parts[9] === '+' ? at - offset : at + offset };
}

type Six = [number, number, number, number, number, number];

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1970-01-01 in the Gregorian calendar: years are counted from March, so that leap days come last. */
function daysBefore(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

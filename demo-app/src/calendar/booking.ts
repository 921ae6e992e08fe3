/** An event as the calendar works with it: times are numbers, and what other programs may have left out is filled in. */
import type { BookedBy, StoredEvent } from '../data/schema.ts';
import { HOUR, parseWall, type WallTime } from './wall-time.ts';

export interface Booking {
  readonly id: string;
  readonly title: string;
  readonly room: string;
  readonly start: WallTime;
  readonly end: WallTime;
  readonly bookedBy: BookedBy | null;
}

export function titleOf(booking: { readonly title: string }): string {
  return booking.title.trim() || 'Untitled';
}

/** Null when the event has no readable start: it cannot be shown in a week. */
export function toBooking(event: StoredEvent): Booking | null {
  const start = parseWall(event.start);
  if (start === null) return null;
  const end = parseWall(event.end);
  return {
    id: event.id,
    title: String(event.title ?? ''),
    room: String(event.room ?? '').trim(),
    start,
    end: end !== null && end > start ? end : start + HOUR / 2,
    bookedBy: event.bookedBy ?? null,
  };
}

export function toBookings(events: readonly StoredEvent[]): readonly Booking[] {
  return events.map(toBooking).filter((booking) => booking !== null);
}

/** Which of the things to decide are shown: all, those of notes or events, or those that one person has a version in. Pure. */
import type { DoubleBooking } from '../calendar/double-booking.ts';
import type { Identity } from '../data/identity.ts';
import type { RowConflict } from '../data/overview.tsx';
import { authorOf } from '../ui/author.ts';
import { versionsOf } from './not-kept.ts';

export type ToDecide =
  | { readonly id: string; readonly conflict: RowConflict; readonly double?: never }
  | { readonly id: string; readonly double: DoubleBooking; readonly conflict?: never };

export interface Facet {
  /** 'notes', 'events' or 'person bruno' */
  readonly key: string;
  readonly label: string;
  readonly count: number;
}

/** Only those that leave something out. */
export function facetsOf(items: readonly ToDecide[], me: Identity): readonly Facet[] {
  const labels = new Map([
    ['notes', 'Notes'],
    ['events', 'Events'],
  ]);
  for (const item of items) for (const [key, name] of peopleIn(item, me)) labels.set(key, name);
  const facets = [...labels].map(([key, label]) => ({ key, label, count: itemsIn(items, key, me).length }));
  return facets.filter(({ count }) => count > 0 && count < items.length);
}

export function itemsIn(items: readonly ToDecide[], key: string | null, me: Identity): readonly ToDecide[] {
  if (key === null) return items;
  return items.filter((item) => collectionOf(item) === key || peopleIn(item, me).has(key));
}

function collectionOf({ conflict }: ToDecide): string {
  return conflict?.collection ?? 'events';
}

/** The others; I am in nearly all of them. */
function peopleIn(item: ToDecide, me: Identity): ReadonlyMap<string, string> {
  const people = item.conflict
    ? versionsOf(item.conflict).map((version) => [version.user?.id, authorOf(version, me)] as const)
    : item.double.bookings.map(
        ({ bookedBy }) => [bookedBy?.id, { name: bookedBy?.name ?? '', isMe: bookedBy?.id === me.user.id }] as const,
      );
  return new Map(people.flatMap(([id, { name, isMe }]) => (id === undefined || isMe ? [] : [[`person ${id}`, name]])));
}

/**
 * What several places show at once, computed once: the bookings, what waits for a person, and which rows are not with the
 * server yet.
 */
import type { Conflict, ConstraintConflict } from '@skerry/sdk';
import { useConflicts, useLive, useValue } from '@skerry/sdk/react';
import { createContext, use, useMemo, type ReactNode } from 'react';

import { toBookings, type Booking } from '../calendar/booking.ts';
import { toDoubleBookings, type DoubleBooking } from '../calendar/double-booking.ts';
import { useSession } from './session.tsx';

/** About one row; what several rows do to each other is a double booking. */
export type RowConflict = Exclude<Conflict, ConstraintConflict>;

export interface Overview {
  readonly bookings: readonly Booking[];
  readonly doubleBookings: readonly DoubleBooking[];
  readonly conflicts: readonly RowConflict[];
  /** Conflicts and double bookings. */
  readonly toDecide: number;
  /** When each row was last saved here, for rows that the server has not confirmed. */
  readonly waiting: ReadonlyMap<string, Date>;
}

const OverviewContext = createContext<Overview | null>(null);

export function OverviewProvider(props: { readonly children: ReactNode }): ReactNode {
  const { db } = useSession();
  const events = useLive(db.events);
  const open = useConflicts(db);
  const outbox = useValue(db.outbox$);

  const bookings = useMemo(() => toBookings(events ?? []), [events]);
  const conflicts = useMemo(() => open.filter((conflict) => conflict.kind !== 'constraint'), [open]);
  const doubleBookings = useMemo(() => toDoubleBookings(open), [open]);
  const waiting = useMemo(
    () => new Map(outbox.flatMap(({ rows, at }) => rows.map(({ rowId }) => [rowId, at]))),
    [outbox],
  );
  const toDecide = conflicts.length + doubleBookings.length;
  const overview = useMemo(
    () => ({ bookings, doubleBookings, conflicts, toDecide, waiting }),
    [bookings, doubleBookings, conflicts, toDecide, waiting],
  );
  return <OverviewContext value={overview}>{props.children}</OverviewContext>;
}

export function useOverview(): Overview {
  const overview = use(OverviewContext);
  if (!overview) throw new Error('useOverview() outside of OverviewProvider');
  return overview;
}

/** Makes a booking, changes one, or shows what it was before. What is to be decided about it is shown above the form. */
import type { ReadToken } from '@skerry/sdk';
import { useLiveOne } from '@skerry/sdk/react';
import { ArrowLeft, History, X } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

import { ConflictStrip } from '../conflicts/conflict-strip.tsx';
import { useOverview } from '../data/overview.tsx';
import { ROOMS } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';
import { EventHistory } from '../history/event-history.tsx';
import { formatRoute, type Route } from '../shell/route.ts';
import { titleOf, toBooking, type Booking } from './booking.ts';
import { EventForm, type EventValues } from './event-form.tsx';
import { freeRooms } from './suggestions.ts';
import { formatWall, HOUR, type WallTime } from './wall-time.ts';

export interface NewSlot {
  readonly start: WallTime;
  /** Where someone clicked into a room; else one that is free. */
  readonly room?: string;
}

interface EventDialogProps {
  /** Where the calendar is: which event is open in it, and whether its history is. */
  readonly place: Extract<Route, { page: 'calendar' }>;
  readonly creating: NewSlot | null;
  readonly onClose: () => void;
}

export function EventDialog({ place, creating, onClose }: EventDialogProps): ReactNode {
  const { eventId } = place;
  const isOpen = eventId !== null || creating !== null;
  const showsHistory = place.view === 'history';
  const { view: _view, ...event } = place;
  return (
    <ModalOverlay className="overlay" isDismissable isOpen={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Modal className="modal">
        <Dialog className="dialog" data-history={showsHistory || undefined}>
          <header className="dialog-head">
            {showsHistory && (
              <a ref={focused} className="icon-button back" href={formatRoute(event)} aria-label="Back to the event">
                <ArrowLeft aria-hidden />
              </a>
            )}
            <Heading slot="title">{creating ? 'New event' : showsHistory ? 'History' : 'Event'}</Heading>
            {!creating && !showsHistory && (
              <a
                className="icon-button"
                href={formatRoute({ ...event, view: 'history' })}
                aria-label="History"
                title="History"
                data-testid="event-history"
              >
                <History aria-hidden />
              </a>
            )}
            <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
              <X aria-hidden />
            </button>
          </header>
          {creating ? (
            <NewEvent slot={creating} onClose={onClose} />
          ) : (
            eventId !== null && (
              <>
                {showsHistory && <EventHistory eventId={eventId} />}
                {/* What was changed in the form is still there when one comes back from the history. */}
                <div hidden={showsHistory}>
                  <EditEvent key={eventId} eventId={eventId} onClose={onClose} />
                </div>
              </>
            )
          )}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** What had the focus gave way to this. */
function focused(element: HTMLElement | null): void {
  element?.focus();
}

function NewEvent({ slot, onClose }: { readonly slot: NewSlot; readonly onClose: () => void }): ReactNode {
  const { db, me } = useSession();
  const { bookings } = useOverview();
  const attempt = useAttempt();
  const end = slot.start + HOUR;
  const [initial] = useState<EventValues>(() => ({
    title: '',
    room: slot.room ?? freeRooms({ start: slot.start, end }, bookings, ROOMS)[0] ?? ROOMS[0] ?? '',
    start: formatWall(slot.start),
    end: formatWall(end),
  }));
  const bookedBy = { id: me.user.id, name: me.user.name, device: me.device.name };
  const save = async (values: EventValues): Promise<void> => {
    if (await attempt('The event could not be saved', () => db.events.insert({ ...values, bookedBy }))) onClose();
  };
  return <EventForm initial={initial} bookingId={null} onSave={save} onCancel={onClose} />;
}

function EditEvent({ eventId, onClose }: { readonly eventId: string; readonly onClose: () => void }): ReactNode {
  const { db } = useSession();
  const { conflicts } = useOverview();
  const event = useLiveOne(db.events, eventId);
  if (event === undefined) return null;
  const booking = event && toBooking(event);
  if (!booking)
    return (
      <p>
        This event is not here. Someone may have cancelled it, or it has not arrived yet. Its history says what this
        device knows of it.
      </p>
    );
  const mine = conflicts.filter((conflict) => conflict.collection === 'events' && conflict.rowId === eventId);
  return (
    <>
      <ConflictStrip conflicts={mine} onSettled={onClose} />
      <EditForm booking={booking} onClose={onClose} />
    </>
  );
}

/** Shows the booking as it was when the dialog opened; what others write meanwhile becomes a version beside it. */
function EditForm({ booking, onClose }: { readonly booking: Booking; readonly onClose: () => void }): ReactNode {
  const { db } = useSession();
  const attempt = useAttempt();
  const notices = useNotices();
  const [initial] = useState(() => valuesOf(booking));
  const [seen, setSeen] = useState<Promise<ReadToken> | null>(null);
  useEffect(() => {
    const token = db.events.readToken(booking.id);
    token.catch(() => {}); // told when a save needs it
    setSeen(token);
  }, [db, booking.id]);

  const save = async (values: EventValues): Promise<void> => {
    const isSaved = await attempt('The event could not be saved', async () => {
      const patch = changesOf(initial, values);
      if (Object.keys(patch).length > 0) await db.events.update(booking.id, patch, seen ? { seen: await seen } : {});
    });
    if (isSaved) onClose();
  };
  const remove = async (): Promise<void> => {
    await attempt('The event could not be cancelled', async () => {
      const cancelling = await db.transaction((tx) => tx.events.delete(booking.id));
      onClose();
      notices.toast(`Cancelled ‘${titleOf(booking)}’.`, {
        label: 'Undo',
        run: () => void attempt('The event could not be brought back', () => cancelling.undo()),
      });
    });
  };
  return <EventForm initial={initial} bookingId={booking.id} onSave={save} onCancel={onClose} onRemove={remove} />;
}

function valuesOf(booking: Booking): EventValues {
  return { title: booking.title, room: booking.room, start: formatWall(booking.start), end: formatWall(booking.end) };
}

/** Room, start and end go together: one of them changed is all three said. */
function changesOf(before: EventValues, after: EventValues): Partial<EventValues> {
  const { title, ...slot } = after;
  const isSlotChanged = before.room !== slot.room || before.start !== slot.start || before.end !== slot.end;
  return { ...(title !== before.title && { title }), ...(isSlotChanged && slot) };
}

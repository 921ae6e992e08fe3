/** Title, room, start and end. A room that is taken is said and can be booked all the same: people decide about rooms. */
import { TriangleAlert } from 'lucide-react';
import { useId, useState, type FormEvent, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import { ROOMS } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import { titleOf } from './booking.ts';
import { bookerOf } from './double-booking-card.tsx';
import { overlaps } from './double-booking.ts';
import { freeRooms } from './suggestions.ts';
import { clockOf, formatWall, parseWall } from './wall-time.ts';

export interface EventValues {
  readonly title: string;
  readonly room: string;
  readonly start: string;
  readonly end: string;
}

interface EventFormProps {
  readonly initial: EventValues;
  readonly bookingId: string | null;
  readonly onSave: (values: EventValues) => Promise<void>;
  readonly onCancel: () => void;
  readonly onRemove?: () => Promise<void>;
}

export function EventForm({ initial, bookingId, onSave, onCancel, onRemove }: EventFormProps): ReactNode {
  const [values, setValues] = useState(initial);
  const [isEndChosen, setEndChosen] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const errorId = useId();

  const change = (patch: Partial<EventValues>): void => {
    setError(null);
    setValues((last) => ({ ...last, ...patch }));
  };
  const changeStart = (start: string): void =>
    change(isEndChosen ? { start } : { start, end: movedEnd(values, start) });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = whatIsWrong(values);
    setError(wrong);
    if (wrong === null) void onSave({ ...values, title: values.title.trim() });
  };

  return (
    <form className="event-form" onSubmit={submit} noValidate>
      <label className="field">
        <span>Title</span>
        <input
          className="input"
          data-testid="event-title"
          value={values.title}
          autoFocus
          autoComplete="off"
          placeholder="What is it about?"
          onChange={(event) => change({ title: event.target.value })}
        />
      </label>
      <label className="field">
        <span>Room</span>
        <select
          className="input"
          data-testid="event-room"
          value={values.room}
          onChange={(event) => change({ room: event.target.value })}
        >
          {[...new Set([...ROOMS, values.room])].map((room) => (
            <option key={room} value={room}>
              {room || 'No room'}
            </option>
          ))}
        </select>
      </label>
      <div className="field-pair">
        <label className="field">
          <span>Start</span>
          <input
            className="input"
            type="datetime-local"
            data-testid="event-start"
            value={values.start}
            onChange={(event) => changeStart(event.target.value)}
          />
        </label>
        <label className="field">
          <span>End</span>
          <input
            className="input"
            type="datetime-local"
            data-testid="event-end"
            value={values.end}
            aria-invalid={error !== null}
            aria-describedby={errorId}
            onChange={(event) => {
              setEndChosen(true);
              change({ end: event.target.value });
            }}
          />
        </label>
      </div>
      <p id={errorId} className="field-error" role="alert">
        {error}
      </p>
      <TakenHint values={values} bookingId={bookingId} onTake={(room) => change({ room })} />
      <footer className="dialog-foot">
        {onRemove && (
          <button
            type="button"
            className="button quiet danger"
            data-testid="delete-event"
            onClick={() => void onRemove()}
          >
            Cancel event
          </button>
        )}
        <button type="button" className="button" onClick={onCancel}>
          Close
        </button>
        <button type="submit" className="button primary" data-testid="event-save">
          Save
        </button>
      </footer>
    </form>
  );
}

interface TakenHintProps {
  readonly values: EventValues;
  readonly bookingId: string | null;
  readonly onTake: (room: string) => void;
}

function TakenHint({ values, bookingId, onTake }: TakenHintProps): ReactNode {
  const { bookings } = useOverview();
  const { me } = useSession();
  const [start, end] = [parseWall(values.start), parseWall(values.end)];
  if (start === null || end === null || end <= start || values.room === '') return null;
  const slot = { start, end, room: values.room, ...(bookingId !== null && { id: bookingId }) };
  const taken = bookings.find((other) => other.id !== bookingId && other.room === values.room && overlaps(other, slot));
  if (!taken) return null;
  return (
    <div className="taken" role="status">
      <TriangleAlert aria-hidden />
      <p>
        {values.room} is taken {clockOf(taken.start)}–{clockOf(taken.end)}: {titleOf(taken)} (
        {bookerOf(taken, me.user.id)}). You can book it all the same and sort it out together.
      </p>
      <div className="taken-rooms">
        {freeRooms(slot, bookings, ROOMS).map((room) => (
          <button key={room} type="button" className="chip" data-testid="event-hint" onClick={() => onTake(room)}>
            {room} is free
          </button>
        ))}
      </div>
    </div>
  );
}

/** The length stays when the start is moved. */
function movedEnd(values: EventValues, start: string): string {
  const [from, until, to] = [parseWall(values.start), parseWall(values.end), parseWall(start)];
  return from === null || until === null || to === null ? values.end : formatWall(to + until - from);
}

function whatIsWrong({ start, end }: EventValues): string | null {
  const [from, until] = [parseWall(start), parseWall(end)];
  if (from === null || until === null) return 'Say when it starts and when it ends.';
  return until <= from ? 'It has to end after it starts.' : null;
}

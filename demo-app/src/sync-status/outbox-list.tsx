/** What is saved here and not with the server yet, in words. */
import type { OutboxEntry } from '@skerry/sdk';
import { useValue } from '@skerry/sdk/react';
import { useEffect, useState, type ReactNode } from 'react';

import { titleOf } from '../calendar/booking.ts';
import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { noteName } from '../notes/note-search.ts';
import { ago, count } from '../ui/relative-time.ts';
import { useNow } from '../ui/use-now.ts';
import { outboxLines, type NameOf } from './outbox-words.ts';

const SHOWN = 8;
const MOST_NAMED = 200;

export function OutboxList(): ReactNode {
  const { db } = useSession();
  const outbox = useValue(db.outbox$);
  const lines = outboxLines(outbox, useNames(outbox.slice(-MOST_NAMED)));
  const now = useNow(10_000);
  if (outbox.length === 0) return <p className="detail outbox-empty">Nothing waits to be sent.</p>;
  return (
    <section className="outbox" aria-label="Waiting to be sent">
      <h3>Waiting to be sent</h3>
      <ul>
        {lines.slice(0, SHOWN).map((line) => (
          <li key={line.id}>
            <span>{line.words}</span>
            <span className="detail">{ago(line.at, now)}</span>
          </li>
        ))}
      </ul>
      {lines.length > SHOWN && <p className="detail">and {count(lines.length - SHOWN, 'more', 'more')}</p>}
    </section>
  );
}

/** Events are known already; notes are read when they are needed. */
function useNames(entries: readonly OutboxEntry[]): NameOf {
  const { db } = useSession();
  const { bookings } = useOverview();
  const [notes, setNotes] = useState<ReadonlyMap<string, string>>(new Map());
  const touched = entries.flatMap(({ rows }) => rows.filter(({ collection }) => collection === 'notes'));
  const ids = [...new Set(touched.map(({ rowId }) => rowId))];
  const wanted = JSON.stringify(ids);

  useEffect(() => {
    let isCurrent = true;
    const read = (JSON.parse(wanted) as string[]).map((id) => db.notes.get(id));
    void Promise.all(read).then((rows) => {
      if (isCurrent) setNotes(new Map(rows.filter((row) => row !== undefined).map((row) => [row.id, noteName(row)])));
    });
    return () => {
      isCurrent = false;
    };
  }, [db, wanted]);

  return ({ collection, rowId }) => {
    if (collection === 'notes') return notes.get(rowId) ?? null;
    const booking = bookings.find(({ id }) => id === rowId);
    return booking ? titleOf(booking) : null;
  };
}

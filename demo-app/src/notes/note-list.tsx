/**
 * All notes, searched and narrowed in memory. Only a part is in the page; more come as one scrolls, so that thousands
 * stay smooth.
 */
import { Plus, Search } from 'lucide-react';
import { useCallback, useDeferredValue, useMemo, useState, type ReactNode } from 'react';

import { useOverview } from '../data/overview.tsx';
import type { StoredNote } from '../data/schema.ts';
import { useNow } from '../ui/use-now.ts';
import { NoteItem } from './note-item.tsx';
import { commonTags, searchNotes } from './note-search.ts';

const PART = 100;
const TAGS_SHOWN = 8;

interface NoteListProps {
  readonly notes: readonly StoredNote[] | undefined;
  readonly selectedId: string | null;
  readonly onCreate: () => void;
}

export function NoteList({ notes, selectedId, onCreate }: NoteListProps): ReactNode {
  const { waiting, conflicts } = useOverview();
  const [text, setText] = useState('');
  const [tag, setTag] = useState<string | null>(null);
  const [limit, setLimit] = useState(PART);
  const now = useNow(30_000);
  const searched = useDeferredValue(text);

  const found = useMemo(() => searchNotes(notes ?? [], { text: searched, tag }), [notes, searched, tag]);
  const tags = useMemo(() => commonTags(notes ?? []).slice(0, TAGS_SHOWN), [notes]);
  const inConflict = useMemo(() => new Set(conflicts.map(({ rowId }) => rowId)), [conflicts]);
  const showMore = useCallback(() => setLimit((shown) => shown + PART), []);

  return (
    <section className="note-column" aria-label="All notes">
      <div className="note-tools">
        <label className="search">
          <Search aria-hidden />
          <input
            type="search"
            placeholder="Search notes"
            aria-label="Search notes"
            value={text}
            onChange={(e) => setText(e.target.value)}
          />
        </label>
        <button type="button" className="button primary" data-testid="new-note" onClick={onCreate}>
          <Plus aria-hidden /> New
        </button>
      </div>
      {tags.length > 0 && (
        <div className="tag-filter" role="group" aria-label="Only notes with a tag">
          {tags.map((name) => (
            <button
              key={name}
              type="button"
              className="chip"
              aria-pressed={tag === name}
              onClick={() => setTag(tag === name ? null : name)}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      <ul className="note-list" data-testid="note-list" aria-label="Notes">
        {found.slice(0, limit).map((note) => (
          <NoteItem
            key={note.id}
            note={note}
            now={now}
            isSelected={note.id === selectedId}
            isWaiting={waiting.has(note.id)}
            isInConflict={inConflict.has(note.id)}
          />
        ))}
        {found.length > limit && <ShowMore key={limit} left={found.length - limit} onShow={showMore} />}
      </ul>
      {notes !== undefined && found.length === 0 && (
        <p className="none">{notes.length === 0 ? 'No notes yet.' : 'No note has that.'}</p>
      )}
    </section>
  );
}

/** Presses itself when it comes into view; a button for those who do not scroll. */
function ShowMore(props: { readonly left: number; readonly onShow: () => void }): ReactNode {
  const { onShow } = props;
  const watch = useCallback(
    (element: HTMLButtonElement | null) => {
      if (!element) return undefined;
      const observer = new IntersectionObserver((entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) onShow();
      });
      observer.observe(element);
      return () => observer.disconnect();
    },
    [onShow],
  );
  return (
    <li className="show-more">
      <button ref={watch} type="button" className="button quiet" onClick={onShow}>
        Show more ({props.left})
      </button>
    </li>
  );
}

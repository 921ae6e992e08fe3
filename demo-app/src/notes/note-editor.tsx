/** Title, tags and text of one note, what there is to decide about it, and where it is saved. */
import { useSyncStatus } from '@skerry/sdk/react';
import { ArrowLeft, History, Pin, Trash2 } from 'lucide-react';
import { useEffect, useEffectEvent, useId, useRef, type ReactNode } from 'react';

import { ConflictStrip } from '../conflicts/conflict-strip.tsx';
import { useOverview } from '../data/overview.tsx';
import type { Note, StoredNote } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { formatRoute, go } from '../shell/route.ts';
import { useNotices } from '../ui/notices.tsx';
import { NARROW } from '../ui/use-media.ts';
import { noteName, tagsOf } from './note-search.ts';
import { SaveState } from './save-state.tsx';
import { TagField } from './tag-field.tsx';
import { useDraft } from './use-draft.ts';

export function NoteEditor(props: { readonly note: StoredNote }): ReactNode {
  const { note } = props;
  const { db } = useSession();
  const { conflicts, waiting } = useOverview();
  const { connection } = useSyncStatus(db);
  const notices = useNotices();
  const attempt = useAttempt();
  const bodyLabel = useId();
  const backLink = useRef<HTMLAnchorElement>(null);

  const mine = conflicts.filter((conflict) => conflict.collection === 'notes' && conflict.rowId === note.id);
  const isConflicted = (field: string): boolean =>
    mine.some((conflict) => conflict.kind === 'field' && conflict.fields.includes(field));
  const draftOf = (field: 'title' | 'body') =>
    ({
      db,
      note,
      field,
      isConflicted: isConflicted(field),
      onError: (error: unknown) =>
        notices.failed(`The ${field === 'title' ? 'title' : 'text'} could not be saved`, error),
      onSettled: () =>
        notices.toast(
          `What you wrote is now the ${field === 'title' ? 'title' : 'text'}. Nothing is left to decide about it.`,
        ),
    }) as const;
  const title = useDraft<HTMLInputElement>(draftOf('title'));
  const body = useDraft<HTMLTextAreaElement>(draftOf('body'));

  // In a new note one writes; on a phone the list that had the focus is gone.
  const focusFirst = useEffectEvent(() => {
    // A window that somebody else's note opened beside the one in use takes nobody's focus.
    if (!document.hasFocus()) return;
    if (title.props.value === '' && body.props.value === '') title.props.ref.current?.focus();
    else if (matchMedia(NARROW).matches) backLink.current?.focus();
  });
  useEffect(() => focusFirst(), []);

  const update = (failure: string, patch: Partial<Note>): void =>
    void attempt(failure, () => db.notes.update(note.id, { ...patch, editedAt: Date.now() }));

  const remove = async (): Promise<void> => {
    await Promise.all([title.flush(), body.flush()]);
    await attempt('The note could not be deleted', async () => {
      const deleting = await db.transaction((tx) => tx.notes.delete(note.id));
      go({ page: 'notes', noteId: null }, { replace: true });
      notices.toast(`Deleted ‘${noteName(note)}’.`, {
        label: 'Undo',
        run: () =>
          void attempt('The note could not be brought back', async () => {
            await deleting.undo();
            go({ page: 'notes', noteId: note.id });
          }),
      });
    });
  };

  return (
    <article className="note-editor" aria-label={noteName(note)}>
      <div className="note-bar">
        <a
          ref={backLink}
          className="icon-button back"
          href={formatRoute({ page: 'notes', noteId: null })}
          aria-label="All notes"
        >
          <ArrowLeft aria-hidden />
        </a>
        <SaveState
          isDirty={title.isDirty || body.isDirty}
          waitingSince={waiting.get(note.id)}
          connection={connection}
        />
        <button
          type="button"
          className="icon-button"
          aria-pressed={note.pinned === true}
          aria-label="Pin"
          title="Pin"
          data-testid="pin-note"
          onClick={() => update('The pin could not be saved', { pinned: note.pinned !== true })}
        >
          <Pin aria-hidden />
        </button>
        <a
          className="icon-button"
          href={formatRoute({ page: 'notes', noteId: note.id, view: 'history' })}
          aria-label="History"
          title="History"
          data-testid="note-history"
        >
          <History aria-hidden />
        </a>
        <button
          type="button"
          className="icon-button"
          aria-label="Delete"
          title="Delete"
          data-testid="delete-note"
          onClick={() => void remove()}
        >
          <Trash2 aria-hidden />
        </button>
      </div>
      <ConflictStrip conflicts={mine} onSettled={() => title.props.ref.current?.focus()} />
      <input
        {...title.props}
        className="note-title"
        data-testid="note-title"
        aria-label="Title"
        placeholder="Title"
        autoComplete="off"
      />
      <TagField tags={tagsOf(note)} onChange={(tags) => update('The tags could not be saved', { tags: [...tags] })} />
      <label id={bodyLabel} className="visually-hidden">
        Text
      </label>
      <textarea
        {...body.props}
        className="note-body"
        data-testid="note-body"
        aria-labelledby={bodyLabel}
        placeholder="Write…"
      />
    </article>
  );
}

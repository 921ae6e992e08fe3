/** A note's title or text as a React field: value, handlers, a caret that stays where it is, and saves that are never late. */
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';

import type { DemoDb, StoredNote } from '../data/schema.ts';
import { movedCaret } from '../ui/changed-part.ts';
import { createDraftField } from './draft-field.ts';

export interface DraftInput<E extends HTMLInputElement | HTMLTextAreaElement> {
  readonly isDirty: boolean;
  flush(): Promise<void>;
  readonly props: {
    readonly ref: React.RefObject<E | null>;
    readonly value: string;
    onChange(event: React.ChangeEvent<E>): void;
    onFocus(): void;
    onBlur(): void;
  };
}

export interface DraftOptions {
  readonly db: DemoDb;
  /** Belongs to the component for good: another note is another component (`key`). */
  readonly note: StoredNote;
  readonly field: 'title' | 'body';
  readonly isConflicted: boolean;
  readonly onError: (error: unknown) => void;
  readonly onSettled: () => void;
}

export function useDraft<E extends HTMLInputElement | HTMLTextAreaElement>(options: DraftOptions): DraftInput<E> {
  const { db, note, field, isConflicted } = options;
  const stored = textOf(note, field);
  const callbacks = useRef(options);
  callbacks.current = options;

  const [draftField] = useState(() =>
    createDraftField(
      {
        readToken: () => db.notes.readToken(note.id),
        save: (value, seen) => db.notes.update(note.id, { [field]: value, editedAt: Date.now() }, { seen }),
        load: async () => {
          const current = await db.notes.get(note.id);
          return current && textOf(current, field);
        },
        onError: (error) => callbacks.current.onError(error),
        onSettled: () => callbacks.current.onSettled(),
      },
      stored,
      isConflicted,
    ),
  );
  const draft = useSyncExternalStore(draftField.subscribe, draftField.getSnapshot);
  const ref = useRef<E>(null);

  useEffect(() => draftField.send({ type: 'stored', value: stored, isConflicted }), [draftField, stored, isConflicted]);
  useEffect(() => flushWhenLeaving(draftField.flush), [draftField]);
  useCaretInPlace(ref, draft.shown);

  return {
    isDirty: draft.isDirty,
    flush: draftField.flush,
    props: {
      ref,
      value: draft.shown,
      onChange: (event) => draftField.send({ type: 'typed', value: event.target.value }),
      onFocus: () => draftField.send({ type: 'focused' }),
      onBlur: () => draftField.send({ type: 'left' }),
    },
  };
}

/** Other programs may have left the field out. */
function textOf(note: StoredNote, field: 'title' | 'body'): string {
  return String(note[field] ?? '');
}

/** The page may be gone after either event, and the note after the clean-up. */
function flushWhenLeaving(flush: () => Promise<void>): () => void {
  const onLeave = (): void => void flush();
  document.addEventListener('visibilitychange', onLeave);
  window.addEventListener('pagehide', onLeave);
  return () => {
    document.removeEventListener('visibilitychange', onLeave);
    window.removeEventListener('pagehide', onLeave);
    void flush();
  };
}

/** A browser puts the caret at the end when a value is set from outside; here it stays beside its letter. */
function useCaretInPlace(ref: React.RefObject<HTMLInputElement | HTMLTextAreaElement | null>, shown: string): void {
  const last = useRef({ shown, start: 0, end: 0 });

  useLayoutEffect(() => {
    const element = ref.current;
    if (!element || document.activeElement !== element) return;
    const before = last.current;
    const isOwnTyping = before.shown === shown;
    if (!isOwnTyping) {
      element.setSelectionRange(
        movedCaret(before.shown, shown, before.start),
        movedCaret(before.shown, shown, before.end),
      );
    }
  }, [ref, shown]);

  useEffect(() => {
    const remember = (): void => {
      const element = ref.current;
      if (!element || document.activeElement !== element) return;
      last.current = { shown: element.value, start: element.selectionStart ?? 0, end: element.selectionEnd ?? 0 };
    };
    document.addEventListener('selectionchange', remember);
    ref.current?.addEventListener('input', remember);
    const element = ref.current;
    return () => {
      document.removeEventListener('selectionchange', remember);
      element?.removeEventListener('input', remember);
    };
  }, [ref]);
}

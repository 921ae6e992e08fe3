/**
 * One text field that a person writes in while others may write in it too. Pure; draft-field.ts connects it.
 *
 * It promises: what someone is typing is never replaced under their hands; what others wrote appears as soon as nobody
 * types; and a version that the person has not seen is never overwritten. For the last, a write names what its writer
 * had seen, and that is renewed only while the field shows what is stored (`showsStored`).
 */

export interface Draft {
  readonly shown: string;
  /** What is shown has not been saved yet. */
  readonly isDirty: boolean;
  readonly isFocused: boolean;
  /** What is stored is one of several versions. */
  readonly isConflicted: boolean;
  /** The conflict opened while the person was in the field: they go on in their own version until they leave it. */
  readonly isHeld: boolean;
}

export type DraftEvent =
  | { readonly type: 'stored'; readonly value: string; readonly isConflicted: boolean }
  | { readonly type: 'typed'; readonly value: string }
  | { readonly type: 'saved'; readonly value: string }
  | { readonly type: 'focused' }
  | { readonly type: 'left' };

export function newDraft(stored: string, isConflicted: boolean): Draft {
  return { shown: stored, isDirty: false, isFocused: false, isConflicted, isHeld: false };
}

export function stepDraft(draft: Draft, event: DraftEvent): Draft {
  switch (event.type) {
    case 'typed':
      return { ...draft, shown: event.value, isDirty: true };
    case 'saved':
      return { ...draft, isDirty: draft.shown !== event.value };
    case 'focused':
      return { ...draft, isFocused: true };
    case 'left':
      return { ...draft, isFocused: false, isHeld: false };
    case 'stored': {
      const { value, isConflicted } = event;
      const opensNow = isConflicted && !draft.isConflicted;
      const isHeld = isConflicted && draft.isFocused && (draft.isHeld || opensNow);
      const shown = draft.isDirty || isHeld ? draft.shown : value;
      return { ...draft, isConflicted, isHeld, shown };
    }
  }
}

/** Whether the field shows what is stored, so that a read token taken now says what the person has seen. */
export function showsStored(draft: Draft): boolean {
  return !draft.isDirty && !draft.isHeld;
}

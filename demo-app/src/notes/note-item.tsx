/** One note in the list: a link, with marks for pinned, not synced yet, and something to decide. */
import { ArrowUpFromLine, GitFork, Pin } from 'lucide-react';
import { memo, type ReactNode } from 'react';

import type { StoredNote } from '../data/schema.ts';
import { formatRoute } from '../shell/route.ts';
import { ago } from '../ui/relative-time.ts';
import { editedAtOf, excerptOf, noteName, tagsOf } from './note-search.ts';

interface NoteItemProps {
  readonly note: StoredNote;
  readonly now: Date;
  readonly isSelected: boolean;
  readonly isWaiting: boolean;
  readonly isInConflict: boolean;
}

export const NoteItem = memo(function NoteItem(props: NoteItemProps): ReactNode {
  const { note } = props;
  const editedAt = editedAtOf(note);
  const excerpt = excerptOf(note);
  return (
    <li>
      <a
        className="note-item"
        data-testid="note-item"
        data-note-id={note.id}
        href={formatRoute({ page: 'notes', noteId: note.id })}
        aria-current={props.isSelected ? 'page' : undefined}
      >
        <span className="note-item-head">
          <span className="note-item-title">{noteName(note)}</span>
          {props.isInConflict && <Mark icon={<GitFork aria-hidden />} label="To decide" kind="conflict" />}
          {props.isWaiting && <Mark icon={<ArrowUpFromLine aria-hidden />} label="Not synced yet" kind="waiting" />}
          {note.pinned === true && <Mark icon={<Pin aria-hidden />} label="Pinned" kind="pinned" />}
        </span>
        <span className="note-item-excerpt">{excerpt || 'No text'}</span>
        <span className="note-item-foot">
          {editedAt > 0 && (
            <time dateTime={new Date(editedAt).toISOString()}>{ago(new Date(editedAt), props.now)}</time>
          )}
          {tagsOf(note)
            .slice(0, 3)
            .map((tag) => (
              <span key={tag} className="tag">
                {tag}
              </span>
            ))}
        </span>
      </a>
    </li>
  );
}, isSame);

function Mark(props: { readonly icon: ReactNode; readonly label: string; readonly kind: string }): ReactNode {
  return (
    <span className="mark" data-kind={props.kind} title={props.label} data-testid={`note-${props.kind}`}>
      {props.icon}
      <span className="visually-hidden">{props.label}</span>
    </span>
  );
}

/** A live query gives new objects each time; a row is drawn again only when what it shows has changed. */
function isSame(a: NoteItemProps, b: NoteItemProps): boolean {
  return (
    a.isSelected === b.isSelected &&
    a.isWaiting === b.isWaiting &&
    a.isInConflict === b.isInConflict &&
    a.now === b.now &&
    a.note.id === b.note.id &&
    a.note.title === b.note.title &&
    a.note.body === b.note.body &&
    a.note.pinned === b.note.pinned &&
    a.note.editedAt === b.note.editedAt &&
    tagsOf(a.note).join('\n') === tagsOf(b.note).join('\n')
  );
}

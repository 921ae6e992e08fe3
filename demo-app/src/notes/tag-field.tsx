/**
 * The tags of a note. They are a set: what two people add or remove at once adds up. Enter or a comma adds, Backspace in
 * the empty field or the cross on a tag removes.
 */
import { X } from 'lucide-react';
import { useId, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Button, Tag, TagGroup, TagList } from 'react-aria-components';

interface TagFieldProps {
  readonly tags: readonly string[];
  readonly onChange: (tags: readonly string[]) => void;
}

export function TagField({ tags, onChange }: TagFieldProps): ReactNode {
  const [text, setText] = useState('');
  const inputId = useId();

  const remove = (removed: ReadonlySet<unknown>): void => onChange(tags.filter((tag) => !removed.has(tag)));
  const add = (): void => {
    const added = newTags(text, tags);
    setText('');
    if (added.length > 0) onChange([...tags, ...added]);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' || event.key === ',') {
      event.preventDefault();
      add();
    }
    if (event.key === 'Backspace' && text === '' && tags.length > 0) onChange(tags.slice(0, -1));
  };

  return (
    <label className="tag-field" data-testid="note-tags" htmlFor={inputId}>
      {tags.length > 0 && (
        <TagGroup aria-label="Tags" onRemove={remove}>
          <TagList className="tag-list">
            {tags.map((tag) => (
              <Tag key={tag} id={tag} textValue={tag} className="tag removable">
                {tag}
                <Button slot="remove" className="tag-remove" aria-label={`Remove ${tag}`}>
                  <X aria-hidden />
                </Button>
              </Tag>
            ))}
          </TagList>
        </TagGroup>
      )}
      <input
        id={inputId}
        aria-label="Add a tag"
        placeholder={tags.length === 0 ? 'Add tags' : 'Add a tag'}
        value={text}
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={add}
      />
    </label>
  );
}

function newTags(text: string, known: readonly string[]): readonly string[] {
  const named = text
    .split(',')
    .map((tag) => tag.trim())
    .filter(Boolean);
  return [...new Set(named)].filter((tag) => !known.includes(tag));
}

/** Two or more versions of one value: keep one, keep all of a text, or write what it should be. */
import type { FieldConflict } from '@skerry/sdk';
import { GitFork, PenLine, Rows2 } from 'lucide-react';
import { useState, type FormEvent, type ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { authorOf, keepLabel, possessive } from '../ui/author.ts';
import { allTogether, isProvisional, shapeOf, subjectOf, valueText } from './describe.ts';
import { hunksOf, placesOf } from './hunks.ts';
import { RowName } from './row-name.tsx';
import { useDecide } from './use-decide.ts';
import { VersionBox } from './version-box.tsx';

interface CardProps {
  readonly conflict: FieldConflict;
  /** On the page of all decisions the row is named; above a note it is plain. */
  readonly namesRow: boolean;
  readonly onDecided: () => void;
}

export function FieldConflictCard({ conflict, namesRow, onDecided }: CardProps): ReactNode {
  const { me } = useSession();
  const decide = useDecide(onDecided);
  const [isEditing, setEditing] = useState(false);
  const subject = subjectOf(conflict);
  const together = allTogether(conflict);
  const canWrite = shapeOf(conflict) === 'line' || shapeOf(conflict) === 'text';

  const keep = (version: number): void => {
    const chosen = conflict.versions[version];
    if (!chosen) return;
    const { name, isMe } = authorOf(chosen, me);
    void decide(`Kept ${isMe ? 'your' : possessive(name)} ${subject}`, () => conflict.resolve({ version }));
  };
  const write = (done: string, value: Readonly<Record<string, unknown>>): void =>
    void decide(done, () => conflict.resolve({ value }));

  return (
    <>
      <div className="decision-head">
        <GitFork aria-hidden />
        <h2>
          {conflict.versions.length} versions of {hunksOf(conflict) ? placesText(conflict) : 'the'} {subject}
          {namesRow && (
            <>
              {' '}
              of <RowName collection={conflict.collection} rowId={conflict.rowId} />
            </>
          )}
        </h2>
      </div>
      {textsBefore(conflict).map((before, index) => (
        <p key={index} className="before">
          Before: <span>{before.length > 160 ? `${before.slice(0, 160)}…` : before}</span>
        </p>
      ))}
      <ol className="versions">
        {conflict.versions.map((version, index) => (
          <VersionBox
            key={index}
            conflict={conflict}
            index={index}
            isTheWayOut={!canWrite && index === shownVersion(conflict)}
            keepLabel={keepLabel(version, conflict.versions, me)}
            onKeep={() => keep(index)}
          />
        ))}
      </ol>
      {isEditing ? (
        <EditForm
          conflict={conflict}
          onCancel={() => setEditing(false)}
          onSave={(value) => write(`Wrote a new ${subject}`, value)}
        />
      ) : (
        <div className="decision-more">
          {together && (
            <button
              type="button"
              className="button quiet"
              data-testid="keep-both"
              onClick={() => write(`Kept all versions of the ${subject}`, together)}
            >
              <Rows2 aria-hidden /> Keep {conflict.versions.length === 2 ? 'both' : 'all'}
            </button>
          )}
          {canWrite && (
            <button
              type="button"
              className="button quiet"
              data-testid="conflict-resolve"
              onClick={() => setEditing(true)}
            >
              <PenLine aria-hidden /> Edit
            </button>
          )}
        </div>
      )}
    </>
  );
}

/** 'one place in the', where the rest of a text could be merged. */
function placesText(conflict: FieldConflict): string {
  const places = conflict.hunks?.length ?? 0;
  return places === 1 ? 'one place in the' : `${places} places in the`;
}

/** What stood there before all of them, where that is known and was something. */
function textsBefore(conflict: FieldConflict): readonly string[] {
  if (!hunksOf(conflict)) return [valueText(conflict, conflict.base)].filter((text) => text !== '');
  return placesOf(conflict, null)
    .filter(({ words }) => words.trim() !== '')
    .map(({ before, words, after }) => (before + words + after).trim());
}

/** Which version is shown for now; the latest when it is none of them. */
function shownVersion(conflict: FieldConflict): number {
  const shown = conflict.versions.findIndex((_version, index) => isProvisional(conflict, index));
  return shown >= 0 ? shown : conflict.versions.length - 1;
}

interface EditFormProps {
  readonly conflict: FieldConflict;
  readonly onSave: (value: Readonly<Record<string, unknown>>) => void;
  readonly onCancel: () => void;
}

/** Starts from everything that was written, so that taking something out is a choice. */
function EditForm({ conflict, onSave, onCancel }: EditFormProps): ReactNode {
  const field = conflict.fields[0] ?? '';
  const [text, setText] = useState(() => valueText(conflict, allTogether(conflict) ?? conflict.provisional));
  const isLong = shapeOf(conflict) === 'text';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSave({ [field]: text });
  };
  const common = {
    className: 'input',
    'aria-label': `The ${subjectOf(conflict)} as it should be`,
    'data-testid': 'conflict-edit-value',
    autoFocus: true,
    value: text,
  } as const;
  return (
    <form className="conflict-edit" onSubmit={submit}>
      {isLong ? (
        <textarea {...common} rows={5} onChange={(event) => setText(event.target.value)} />
      ) : (
        <input {...common} onChange={(event) => setText(event.target.value)} />
      )}
      <button type="submit" className="button primary" data-testid="conflict-resolve">
        Use this
      </button>
      <button type="button" className="button quiet" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}

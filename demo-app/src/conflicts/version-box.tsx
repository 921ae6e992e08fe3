/** One version of a value: who wrote it, what it says with the difference marked, and the button that keeps it. */
import type { FieldConflict } from '@skerry/sdk';
import { Check, Eye } from 'lucide-react';
import type { ReactNode } from 'react';

import { Byline } from '../ui/byline.tsx';
import { abridged, changedPart } from '../ui/changed-part.ts';
import { isProvisional, shapeOf, valueText } from './describe.ts';
import { hunksOf, placesOf, type Place } from './hunks.ts';

interface VersionBoxProps {
  readonly conflict: FieldConflict;
  /** Which of the conflict's versions. */
  readonly index: number;
  readonly keepLabel: string;
  /** The way out of a conflict that has no other: no form to write something else in. */
  readonly isTheWayOut: boolean;
  readonly onKeep: () => void;
}

export function VersionBox({ conflict, index, keepLabel, isTheWayOut, onKeep }: VersionBoxProps): ReactNode {
  const version = conflict.versions[index]!;
  return (
    <li className="version" data-testid="conflict-version">
      <Byline version={version} />
      {hunksOf(conflict) ? (
        <Places places={placesOf(conflict, index)} />
      ) : (
        <Value conflict={conflict} value={version.value} />
      )}
      <div className="version-foot">
        <button type="button" className="button" data-testid="keep-version" onClick={onKeep}>
          <Check aria-hidden /> {isTheWayOut ? <span data-testid="conflict-resolve">{keepLabel}</span> : keepLabel}
        </button>
        {isProvisional(conflict, index) && (
          <span className="shown-now">
            <Eye aria-hidden /> shown for now
          </span>
        )}
      </div>
    </li>
  );
}

/** What a version says where the versions of a merged text clash; the rest of the text is the same for all. */
function Places(props: { readonly places: readonly Place[] }): ReactNode {
  return (
    <div className="version-value" data-shape="text">
      {props.places.map(({ before, words, after }, index) => {
        const marked = words.trim();
        const [lead, trail] = marked === '' ? [' ', ''] : words.split(marked);
        return (
          <p key={index}>
            {before === '' ? '' : before + lead}
            {marked === '' ? <em className="taken-out">nothing here</em> : <mark>{marked}</mark>}
            {trail + after}
          </p>
        );
      })}
    </div>
  );
}

interface ValueProps {
  readonly conflict: FieldConflict;
  readonly value: Readonly<Record<string, unknown>>;
}

function Value({ conflict, value }: ValueProps): ReactNode {
  const text = valueText(conflict, value);
  if (text === '') return <p className="version-value empty">Empty</p>;
  const base = valueText(conflict, conflict.base);
  const part = changedPart(base, text);
  const { before, changed, after } = shapeOf(conflict) === 'text' ? abridged(part) : part;
  const isMarked = base !== '' && changed !== text;
  return (
    <p className="version-value" data-shape={shapeOf(conflict)}>
      {before}
      {isMarked && changed !== '' ? <mark>{changed}</mark> : changed}
      {after}
    </p>
  );
}

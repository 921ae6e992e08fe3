/** One version of a value: who wrote it, what it says with the difference marked, and the button that keeps it. */
import type { FieldConflict, Version } from '@skerry/sdk';
import { Check, Eye } from 'lucide-react';
import type { ReactNode } from 'react';

import { Byline } from '../ui/byline.tsx';
import { abridged, changedPart } from '../ui/changed-part.ts';
import { isProvisional, shapeOf, valueText } from './describe.ts';

interface VersionBoxProps {
  readonly conflict: FieldConflict;
  readonly version: Version<Readonly<Record<string, unknown>>>;
  readonly keepLabel: string;
  readonly onKeep: () => void;
}

export function VersionBox({ conflict, version, keepLabel, onKeep }: VersionBoxProps): ReactNode {
  return (
    <li className="version" data-testid="conflict-version">
      <Byline version={version} />
      <Value conflict={conflict} version={version} />
      <div className="version-foot">
        <button type="button" className="button" data-testid="keep-version" onClick={onKeep}>
          <Check aria-hidden /> {keepLabel}
        </button>
        {isProvisional(conflict, version.value) && (
          <span className="shown-now">
            <Eye aria-hidden /> shown for now
          </span>
        )}
      </div>
    </li>
  );
}

function Value({ conflict, version }: Pick<VersionBoxProps, 'conflict' | 'version'>): ReactNode {
  const text = valueText(conflict, version.value);
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

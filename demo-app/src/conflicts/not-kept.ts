/** Whose version was not kept when a conflict was decided. Pure; not-kept-notices.tsx tells them. */
import type { DeleteConflict, FieldConflict, Version } from '@skerry/sdk';

import type { RowConflict } from '../data/overview.tsx';
import { hunksOf, isShown } from './hunks.ts';

type Values = Readonly<Record<string, unknown>>;

/** Which version of a conflict that is not open any more. */
export interface Lost {
  readonly conflict: FieldConflict | DeleteConflict;
  /** Of the versions of a field; of a delete there is one. */
  readonly index: number;
  readonly version: Version;
}

/** `row`: as it is now; null: deleted. `open`: the conflicts that are, in which a version may live on. */
export function lostVersions(conflict: RowConflict, row: Values | null, open: readonly RowConflict[]): readonly Lost[] {
  if (open.some((other) => other.id === conflict.id)) return [];
  if (conflict.kind === 'delete') {
    const version = row ? conflict.deleted : conflict.edited;
    return isStillOpen(version, conflict, open) ? [] : [{ conflict, index: 0, version }];
  }
  if (conflict.kind !== 'field') return [];
  return conflict.versions.flatMap((version, index) =>
    isStillOpen(version, conflict, open) || isKept(conflict, index, row) ? [] : [{ conflict, index, version }],
  );
}

/** Names a version on every device. */
export function versionKey(rowId: string, version: Pick<Version, 'at' | 'device'>): string {
  return `${rowId} ${version.device?.id ?? ''} ${version.at.getTime()}`;
}

/** A third version came: it is another conflict, with the same versions in it. */
function isStillOpen(version: Version, { rowId }: RowConflict, open: readonly RowConflict[]): boolean {
  const key = versionKey(rowId, version);
  return open.some((other) => other.rowId === rowId && versionsOf(other).some((one) => versionKey(rowId, one) === key));
}

export function versionsOf(conflict: RowConflict): readonly Version[] {
  if (conflict.kind === 'field') return conflict.versions;
  return conflict.kind === 'delete' ? [conflict.deleted, conflict.edited] : [];
}

/** Also when it was kept beside others, as a part of a text. */
function isKept(conflict: FieldConflict, index: number, row: Values | null): boolean {
  if (!row) return false;
  if (hunksOf(conflict)) return hasWords(conflict, index, row);
  const version = conflict.versions[index]!.value;
  return conflict.fields.every((field) => {
    const [mine, now] = [version[field], row[field]];
    if (typeof mine === 'string' && typeof now === 'string' && conflict.fields.length === 1)
      return mine === now || contains(now, mine.trim());
    return JSON.stringify(mine) === JSON.stringify(now);
  });
}

/** What it took out is kept as long as the text that everybody saw, which had it taken out, is there. */
function hasWords(conflict: FieldConflict, index: number, row: Values): boolean {
  const field = conflict.fields[0] ?? '';
  const now = String(row[field] ?? '');
  if (now === conflict.provisional[field]) return isShown(conflict, index);
  return (conflict.hunks ?? []).every((hunk) => {
    const words = (hunk.versions[index] ?? '').trim();
    return words === '' ? !contains(now, hunk.base.trim()) : contains(now, words);
  });
}

const LETTER = /[\p{L}\p{N}]/u;

/** As whole words: a unicorn is not a corn. */
function contains(text: string, words: string): boolean {
  if (words === '') return false;
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const [before, after] = [text[at - 1] ?? '', text[at + words.length] ?? ''];
    if (!LETTER.test(before) && !LETTER.test(after)) return true;
  }
  return false;
}

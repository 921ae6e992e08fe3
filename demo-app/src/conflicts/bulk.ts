/**
 * Deciding many conflicts by one rule: which version each would keep, and what that passes over, before anything is written.
 * Pure. Double bookings and writes that a server refused want a look of their own and are left alone.
 */
import type { Commit, DeleteConflict, FieldConflict, Version } from '@skerry/sdk';

import type { Identity } from '../data/identity.ts';
import type { RowConflict } from '../data/overview.tsx';
import { authorOf, possessive, type Author } from '../ui/author.ts';
import { rowText, subjectOf, thingOf, valueText } from './describe.ts';
import { hunksOf, placesOf } from './hunks.ts';

/** Whose version is kept; null: the latest one, whoever wrote it. */
export interface Rule {
  readonly label: string;
  readonly person: string | null;
}

export interface BulkItem {
  readonly conflict: FieldConflict | DeleteConflict;
  /** 'title', 'note' */
  readonly subject: string;
  readonly kept: BulkVersion;
  readonly instead: readonly BulkVersion[];
  decide(): Promise<Commit<void>>;
}

export interface BulkVersion {
  readonly author: Author;
  readonly text: string;
}

/** The rules that make a difference: me first, then everybody else who has written a version, then the latest. */
export function rulesFor(conflicts: readonly RowConflict[], me: Identity): readonly Rule[] {
  const names = new Map(
    conflicts
      .filter(isDecidable)
      .flatMap(versionsOf)
      .map((version) => [personOf(version, me), authorOf(version, me)]),
  );
  const people = [...names].toSorted(([, a], [, b]) => Number(b.isMe) - Number(a.isMe) || compare(a.name, b.name));
  return [
    ...people.map(([person, { name, isMe }]) => ({ person, label: `Keep ${isMe ? 'mine' : possessive(name)}` })),
    { person: null, label: 'Keep the latest' },
  ];
}

/** Conflicts in which the person has no version are not in the plan: they stay open. */
export function planOf(conflicts: readonly RowConflict[], rule: Rule, me: Identity): readonly BulkItem[] {
  return conflicts.filter(isDecidable).flatMap((conflict) => {
    const versions = versionsOf(conflict);
    const mine = versions.filter((version) => rule.person === null || personOf(version, me) === rule.person);
    const chosen = mine.toSorted((a, b) => b.at.getTime() - a.at.getTime())[0];
    if (!chosen) return [];
    const told = (version: Version): BulkVersion => ({
      author: authorOf(version, me),
      text: textOf(conflict, version),
    });
    return [
      {
        conflict,
        subject: conflict.kind === 'delete' ? thingOf(conflict.collection) : subjectOf(conflict),
        kept: told(chosen),
        instead: versions.filter((version) => version !== chosen).map(told),
        decide: () => decide(conflict, chosen),
      },
    ];
  });
}

function decide(conflict: FieldConflict | DeleteConflict, chosen: Version): Promise<Commit<void>> {
  if (conflict.kind === 'delete') return conflict.resolve(chosen === conflict.deleted ? 'delete' : 'keep');
  return conflict.resolve({ version: conflict.versions.findIndex((version) => version === chosen) });
}

function isDecidable(conflict: RowConflict): conflict is FieldConflict | DeleteConflict {
  return conflict.kind === 'field' || conflict.kind === 'delete';
}

function versionsOf(conflict: FieldConflict | DeleteConflict): readonly Version[] {
  return conflict.kind === 'field' ? conflict.versions : [conflict.edited, conflict.deleted];
}

function textOf(conflict: FieldConflict | DeleteConflict, version: Version): string {
  if (conflict.kind === 'delete')
    return version === conflict.deleted ? 'Deleted' : rowText(conflict.collection, conflict.edited.value);
  if (!hunksOf(conflict)) return valueText(conflict, version.value as Readonly<Record<string, unknown>>);
  const index = conflict.versions.findIndex((one) => one === version);
  return placesOf(conflict, index)
    .map(({ before, words, after }) => (before + words + after).trim())
    .join(' … ');
}

/** One person on two devices is one person. */
function personOf(version: Version, me: Identity): string {
  return version.here ? me.user.id : (version.user?.id ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The history of a note or an event as people read it: what each version changed, and what became of it. Pure. Revisions come
 * from the SDK, newest first.
 */
import type { Revision } from '@skerry/sdk';

import type { Stretch } from './word-diff.ts';

export type Change =
  | { readonly kind: 'created' | 'deleted' | 'first-known' | 'came-back' }
  | { readonly kind: 'title' | 'body' | 'room' | 'time'; readonly words: readonly Stretch[] }
  | { readonly kind: 'tags'; readonly added: readonly string[]; readonly removed: readonly string[] }
  | { readonly kind: 'pinned'; readonly pinned: boolean };

/** `shown`: now. `to-decide`: one version of an open conflict. `not-kept`: something else was. `withdrawn`: by the server. */
export type Mark = 'shown' | 'to-decide' | 'not-kept' | 'withdrawn';

export interface Entry<Row> {
  /** The latest of its revisions, which is what a restore brings back. */
  readonly revision: Revision<Row>;
  /** How many times the text was saved in one go of typing. */
  readonly saves: number;
  readonly changes: readonly Change[];
  readonly mark: Mark | null;
  readonly canRestore: boolean;
}

/** What the history alone does not tell. */
export interface Known {
  /** It is a version of a conflict that is open. */
  isOpen(revision: RevisionOfAny): boolean;
  /** It was shown here, and lost when somebody decided. */
  wasLost(revision: RevisionOfAny): boolean;
}

/** What two versions of a row differ in; of a new row, all that it has. */
export type Differences<Row> = (before: Partial<Row>, after: Partial<Row>) => readonly Change[];

/** What is the same of every row's revisions. */
export type RevisionOfAny = Pick<Revision, 'id' | 'action' | 'state' | 'device' | 'at'> & {
  readonly fields: readonly string[];
};

/** A text is saved while it is being written: saves with no longer a pause between them are one version. */
const TYPING_MS = 10_000;

export function entriesOf<Row>(
  revisions: readonly Revision<Row>[],
  known: Known,
  differences: Differences<Row>,
): readonly Entry<Row>[] {
  const entries: Entry<Row>[] = [];
  for (let i = 0; i < revisions.length; i++) {
    const revision = revisions[i]!;
    let first = i;
    while (isOneGo(revisions[first], revisions[first + 1], known)) first++;
    const changes = changesOf(revision, rowBefore(revisions, first), differences);
    const saves = first - i + 1;
    i = first;
    const mark = markOf(revision, known);
    // Nothing that a person sees: another program has written a field that the app does not show.
    if (changes.length === 0 && mark !== 'shown') continue;
    entries.push({ revision, saves, changes, mark, canRestore: canRestore(revision, mark) });
  }
  return entries;
}

/** A version of an open conflict is kept where the conflict is decided. */
function canRestore({ row }: { readonly row: unknown }, mark: Mark | null): boolean {
  return row !== null && mark !== 'shown' && mark !== 'to-decide';
}

/** What the row was before: what stood aside or was withdrawn was never under a later version. Undefined: not known. */
function rowBefore<Row>(revisions: readonly Revision<Row>[], index: number): Revision<Row>['row'] | undefined {
  return revisions.slice(index + 1).find(({ state }) => state === 'current' || state === 'former')?.row;
}

function changesOf<Row>(
  { action, row }: Revision<Row>,
  before: Revision<Row>['row'] | undefined,
  differences: Differences<Row>,
): readonly Change[] {
  if (action === 'delete' || row === null) return [{ kind: 'deleted' }];
  if (action === 'insert') return [{ kind: before === undefined ? 'created' : 'came-back' }, ...differences({}, row)];
  if (before === undefined) return [{ kind: 'first-known' }, ...differences({}, row)];
  return differences(before ?? {}, row);
}

function markOf(revision: RevisionOfAny, known: Known): Mark | null {
  if (revision.state === 'withdrawn') return 'withdrawn';
  if (known.isOpen(revision)) return 'to-decide';
  if (revision.state === 'current') return 'shown';
  return revision.state === 'aside' || known.wasLost(revision) ? 'not-kept' : null;
}

/** Whether the text was written on from one save to the next. */
function isOneGo(later: RevisionOfAny | undefined, earlier: RevisionOfAny | undefined, known: Known): boolean {
  if (!later || !earlier || later.device?.id !== earlier.device?.id) return false;
  const isTyping = [later, earlier].every(
    (revision) => revision.action === 'update' && revision.fields.includes('body') && revision.fields.every(isOfTyping),
  );
  const isPlain = earlier.state === 'former' && markOf(earlier, known) === null && later.state !== 'aside';
  return isTyping && isPlain && later.at.getTime() - earlier.at.getTime() <= TYPING_MS;
}

function isOfTyping(field: string): boolean {
  return field === 'body' || field === 'editedAt';
}

/** One version of a note or an event: who, where, when, what changed, what became of it, and the way back to it. */
import { ArrowUpFromLine, Ban, Eye, GitFork, RotateCcw, Undo2 } from 'lucide-react';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { authorOf } from '../ui/author.ts';
import { ago, count, exactly, moment } from '../ui/relative-time.ts';
import type { Change, Entry, Mark } from './entries.ts';
import type { Stretch } from './word-diff.ts';

export type Thing = 'note' | 'event';

interface HistoryEntryProps<Row> {
  readonly entry: Entry<Row>;
  readonly thing: Thing;
  readonly now: Date;
  readonly onRestore: () => void;
}

export function HistoryEntry<Row>({ entry, thing, now, onRestore }: HistoryEntryProps<Row>): ReactNode {
  const { me } = useSession();
  const { revision, saves } = entry;
  // Of what was deleted nothing is shown.
  const mark = entry.mark === 'shown' && revision.row === null ? null : entry.mark;
  const { name, device } = authorOf(revision, me);
  return (
    <li className="revision" data-testid="history-entry" data-mark={entry.mark ?? undefined}>
      <p className="byline">
        <span>
          <strong>{name}</strong> · {device}
        </span>
        <time dateTime={revision.at.toISOString()} title={exactly(revision.at)}>
          {ago(revision.at, now)}
        </time>
      </p>
      <Changes changes={entry.changes} thing={thing} />
      <div className="revision-foot">
        {mark && (
          <span className="revision-mark" data-mark={mark}>
            {MARKS[mark].icon} {MARKS[mark].text}
          </span>
        )}
        {revision.pending && (
          <span className="revision-mark">
            <ArrowUpFromLine aria-hidden /> Not synced yet
          </span>
        )}
        {saves > 1 && <span className="revision-mark">Saved {count(saves, 'time')}</span>}
        {entry.canRestore && (
          <button
            type="button"
            className="button small"
            data-testid="restore-version"
            aria-label={`Restore the version of ${moment(revision.at, now)}, ${name}`}
            onClick={onRestore}
          >
            <RotateCcw aria-hidden /> Restore
          </button>
        )}
      </div>
    </li>
  );
}

const MARKS: Readonly<Record<Mark, { readonly icon: ReactNode; readonly text: string }>> = {
  shown: { icon: <Eye aria-hidden />, text: 'Shown now' },
  'to-decide': { icon: <GitFork aria-hidden />, text: 'One of the versions to decide' },
  'not-kept': { icon: <Undo2 aria-hidden />, text: 'Not kept: another version was' },
  withdrawn: { icon: <Ban aria-hidden />, text: 'Not taken by the server' },
};

interface ChangesProps {
  readonly changes: readonly Change[];
  readonly thing: Thing;
}

function Changes({ changes, thing }: ChangesProps): ReactNode {
  if (changes.length === 0) return <p className="change">Nothing that is shown here changed.</p>;
  const isWhole = changes.some(({ kind }) => kind in WHOLE[thing]);
  return changes.map((change) => (
    <p key={change.kind} className="change" data-kind={change.kind} data-whole={isWhole || undefined}>
      <ChangeWords change={change} thing={thing} />
    </p>
  ));
}

const WHOLE = {
  note: {
    created: 'Made the note',
    deleted: 'Deleted the note',
    'came-back': 'Brought the note back',
    'first-known': 'The first version that this device knows',
  },
  event: {
    created: 'Booked it',
    deleted: 'Cancelled it',
    'came-back': 'Brought it back',
    'first-known': 'The first version that this device knows',
  },
} as const;

const NAMES = { title: 'Title', body: 'Text', room: 'Room', time: 'Time' } as const;

function ChangeWords({ change, thing }: { readonly change: Change; readonly thing: Thing }): ReactNode {
  switch (change.kind) {
    case 'title':
    case 'body':
    case 'room':
    case 'time':
      return (
        <>
          <span className="change-name">{NAMES[change.kind]}</span>{' '}
          {change.words.map((stretch, index) => (
            <Words key={index} stretch={stretch} />
          ))}
        </>
      );
    case 'tags':
      return (
        <>
          <span className="change-name">Tags</span>{' '}
          {change.removed.map((tag) => (
            <Tag key={`-${tag}`} stretch={{ kind: 'removed', text: tag }} />
          ))}
          {change.added.map((tag) => (
            <Tag key={`+${tag}`} stretch={{ kind: 'added', text: tag }} />
          ))}
        </>
      );
    case 'pinned':
      return change.pinned ? 'Pinned it' : 'Took the pin off';
    default:
      return WHOLE[thing][change.kind];
  }
}

function Tag({ stretch }: { readonly stretch: Stretch }): ReactNode {
  return (
    <span className="tag">
      <Words stretch={stretch} />
    </span>
  );
}

/** The words before it are for who does not see the colour and the line. */
function Words({ stretch: { kind, text } }: { readonly stretch: Stretch }): ReactNode {
  if (kind === 'same') return text;
  const Element = kind === 'added' ? 'ins' : 'del';
  return (
    <Element>
      <span className="visually-hidden">{kind}: </span>
      {text}
    </Element>
  );
}

/** The versions of a row, the newest first, and bringing one back. All of it is on this device. */
import type { Collection, Commit, Revision } from '@skerry/sdk';
import { useMemo, type ReactNode } from 'react';

import { versionKey, versionsOf } from '../conflicts/not-kept.ts';
import { useLostVersions } from '../data/lost-versions.ts';
import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';
import { moment } from '../ui/relative-time.ts';
import { useNow } from '../ui/use-now.ts';
import { entriesOf, type Differences, type RevisionOfAny } from './entries.ts';
import { HistoryEntry, type Thing } from './history-entry.tsx';
import { useHistory } from './use-history.ts';

interface HistoryListProps<Row> {
  readonly collection: Collection<Row>;
  readonly rowId: string;
  readonly thing: Thing;
  /** Belongs to the module, not to a render. */
  readonly differences: Differences<Row>;
  readonly restore: (revision: Revision<Row>) => Promise<Commit<unknown>>;
}

export function HistoryList<Row>(props: HistoryListProps<Row>): ReactNode {
  const { collection, rowId, thing, differences } = props;
  const { lost } = useSession();
  const { conflicts } = useOverview();
  const revisions = useHistory(collection, rowId);
  const lostKeys = useLostVersions(lost);
  const attempt = useAttempt();
  const notices = useNotices();
  const now = useNow(30_000);

  const entries = useMemo(() => {
    const mine = conflicts.filter((conflict) => conflict.rowId === rowId);
    const open = new Set(mine.flatMap(versionsOf).map((version) => versionKey(rowId, version)));
    const known = {
      isOpen: (revision: RevisionOfAny) => open.has(versionKey(rowId, revision)),
      wasLost: (revision: RevisionOfAny) => lostKeys.has(versionKey(rowId, revision)),
    };
    return entriesOf(revisions ?? [], known, differences);
  }, [revisions, conflicts, lostKeys, rowId, differences]);

  const restore = (revision: Revision<Row>): void =>
    void attempt('The version could not be restored', async () => {
      const restoring = await props.restore(revision);
      notices.toast(`Restored the version of ${moment(revision.at, new Date())}.`, {
        label: 'Undo',
        run: () => void attempt('The restore could not be undone', () => restoring.undo()),
      });
    });

  if (!revisions) return null;
  return (
    <>
      {entries.length === 0 ? (
        <p className="history-note">This device knows of no version of this {thing}.</p>
      ) : (
        <ol className="revisions">
          {entries.map((entry) => (
            <HistoryEntry
              key={entry.revision.id}
              entry={entry}
              thing={thing}
              now={now}
              onRestore={() => restore(entry.revision)}
            />
          ))}
        </ol>
      )}
      <p className="history-note">
        Only what this device knows is listed: nothing from before the {thing} first came here, and the latest hundred
        versions. It needs no network.
      </p>
    </>
  );
}

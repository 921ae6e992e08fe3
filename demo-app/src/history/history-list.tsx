/** The versions of a note, the newest first, and bringing one back. All of it is on this device. */
import { useMemo, type ReactNode } from 'react';

import { versionKey, versionsOf } from '../conflicts/not-kept.ts';
import { useLostVersions } from '../data/lost-versions.ts';
import { useOverview } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';
import { moment } from '../ui/relative-time.ts';
import { useNow } from '../ui/use-now.ts';
import { entriesOf, type NoteRevision } from './entries.ts';
import { HistoryEntry } from './history-entry.tsx';
import { useHistory } from './use-history.ts';

export function HistoryList({ noteId }: { readonly noteId: string }): ReactNode {
  const { db, lost } = useSession();
  const { conflicts } = useOverview();
  const revisions = useHistory(noteId);
  const lostKeys = useLostVersions(lost);
  const attempt = useAttempt();
  const notices = useNotices();
  const now = useNow(30_000);

  const entries = useMemo(() => {
    const mine = conflicts.filter(({ collection, rowId }) => collection === 'notes' && rowId === noteId);
    const open = new Set(mine.flatMap(versionsOf).map((version) => versionKey(noteId, version)));
    return entriesOf(revisions ?? [], {
      isOpen: (revision) => open.has(versionKey(noteId, revision)),
      wasLost: (revision) => lostKeys.has(versionKey(noteId, revision)),
    });
  }, [revisions, conflicts, lostKeys, noteId]);

  const restore = (revision: NoteRevision): void =>
    void attempt('The version could not be restored', async () => {
      const restoring = await db.transaction(async (tx) => {
        await tx.notes.restore(noteId, revision);
        // As something that was just written it comes to the top of the list.
        await tx.notes.update(noteId, { editedAt: Date.now() });
      });
      notices.toast(`Restored the version of ${moment(revision.at, new Date())}.`, {
        label: 'Undo',
        run: () => void attempt('The restore could not be undone', () => restoring.undo()),
      });
    });

  if (!revisions) return null;
  return (
    <>
      {entries.length === 0 ? (
        <p className="history-note">This device knows of no version of this note.</p>
      ) : (
        <ol className="revisions">
          {entries.map((entry) => (
            <HistoryEntry key={entry.revision.id} entry={entry} now={now} onRestore={() => restore(entry.revision)} />
          ))}
        </ol>
      )}
      <p className="history-note">
        Only what this device knows is listed: nothing from before the note first came here, and the latest hundred
        versions. It needs no network.
      </p>
    </>
  );
}

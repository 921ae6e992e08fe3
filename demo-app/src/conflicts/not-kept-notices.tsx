/**
 * Tells a person that somebody else decided a conflict without keeping their version, with the way back to it; and
 * remembers for the history which versions were not kept. Shows nothing itself.
 */
import { useEffect, useEffectEvent, useRef, type ReactNode } from 'react';

import { formatDay, parseWall } from '../calendar/wall-time.ts';
import { useOverview, type RowConflict } from '../data/overview.tsx';
import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { go } from '../shell/route.ts';
import { authorOf } from '../ui/author.ts';
import { useNotices } from '../ui/notices.tsx';
import { notKeptText } from './describe.ts';
import { lostVersions, versionKey, type Lost } from './not-kept.ts';
import { restoreLost } from './restore-lost.ts';

type Row = Readonly<Record<string, unknown>>;

export function NotKeptNotices(): ReactNode {
  const { db, me, lost: remembered } = useSession();
  const { conflicts } = useOverview();
  const notices = useNotices();
  const attempt = useAttempt();
  const before = useRef<readonly RowConflict[]>([]);

  const restore = (lost: Lost): void =>
    void attempt('Your version could not be restored', async () => {
      const restoring = await restoreLost(db, lost);
      notices.toast('Your version is back.', {
        label: 'Undo',
        run: () => void attempt('The restore could not be undone', () => restoring.undo()),
      });
    });

  const tableOf = ({ collection }: RowConflict): Reading => (collection === 'events' ? db.events : db.notes);

  const settle = useEffectEvent(async (conflict: RowConflict, open: readonly RowConflict[]) => {
    const rows = tableOf(conflict);
    const row = ((await rows.get(conflict.rowId)) ?? null) as Row | null;
    const lost = lostVersions(conflict, row, open);
    if (lost.length === 0) return;
    remembered.add(lost.map(({ version }) => versionKey(conflict.rowId, version)));
    const mine = lost.find(({ version }) => authorOf(version, me).isMe);
    if (!mine) return;
    const decision = (await rows.history(conflict.rowId)).find((revision) => isDecision(revision, conflict));
    const decider = decision ? authorOf(decision, me) : null;
    if (decider?.isMe) return;
    notices.tell(notKeptText(mine, row, decider?.name ?? 'Somebody'), [
      { label: 'Show', run: () => show(conflict, row) },
      ...(mine.version.value === null ? [] : [{ label: 'Restore', run: () => restore(mine) }]),
    ]);
  });

  const compare = useEffectEvent((open: readonly RowConflict[]) => {
    const closed = before.current.filter(({ id }) => !open.some((other) => other.id === id));
    before.current = open;
    for (const conflict of closed)
      void settle(conflict, open).catch((error: unknown) => console.info('No notice of a decision:', error));
  });
  useEffect(() => compare(conflicts), [conflicts]);
  return null;
}

/** What is read of a collection, whichever it is. */
interface Reading {
  get(id: string): Promise<object | undefined>;
  history(id: string): Promise<readonly RevisionOfAny[]>;
}

interface RevisionOfAny {
  readonly id: string;
  readonly state: string;
  readonly action: string;
  readonly fields: readonly string[];
  readonly row: unknown;
  readonly user: { readonly id: string; readonly name?: string } | null;
  readonly device: { readonly id: string; readonly name?: string } | null;
  readonly here: boolean;
}

/** The newest of these settled it: later writes of other fields did not. */
function isDecision({ state, action, fields }: RevisionOfAny, conflict: RowConflict): boolean {
  if (state === 'aside' || state === 'withdrawn') return false;
  return conflict.kind !== 'field' || action !== 'update' || fields.some((field) => conflict.fields.includes(field));
}

function show({ collection, rowId }: RowConflict, row: Row | null): void {
  if (collection !== 'events') return go({ page: 'notes', noteId: rowId, view: 'history' });
  const start = parseWall(row?.['start']);
  go({ page: 'calendar', day: start === null ? null : formatDay(start), eventId: rowId });
}

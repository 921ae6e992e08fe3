/** The versions of a row that this device knows, newest first, read again whenever something came to it. */
import type { Collection, Revision } from '@skerry/sdk';
import { useEffect, useState } from 'react';
import { catchError, EMPTY, filter, merge, switchMap } from 'rxjs';

import { useSession } from '../data/session.tsx';
import { useNotices } from '../ui/notices.tsx';

/** Undefined while it is read. */
export function useHistory<Row>(collection: Collection<Row>, rowId: string): readonly Revision<Row>[] | undefined {
  const { db } = useSession();
  const notices = useNotices();
  const [revisions, setRevisions] = useState<readonly Revision<Row>[]>();
  useEffect(() => {
    // meta() tells of the latest write; what was passed over or withdrawn came before it.
    const others = db.events$.pipe(filter(({ type }) => type === 'pulled' || type === 'rejected' || type === 'merged'));
    const subscription = merge(collection.meta(rowId), others)
      .pipe(
        switchMap(() => collection.history(rowId)),
        catchError((error: unknown) => {
          notices.failed('The history could not be read', error);
          return EMPTY;
        }),
      )
      .subscribe(setRevisions);
    return () => subscription.unsubscribe();
  }, [db, collection, rowId, notices]);
  return revisions;
}

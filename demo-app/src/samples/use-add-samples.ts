/** Adds the samples when someone asks for them, and takes them away again when they think better of it. */
import { useCallback } from 'react';

import { useSession } from '../data/session.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';

export function useAddSamples(): () => void {
  const { db } = useSession();
  const attempt = useAttempt();
  const notices = useNotices();
  return useCallback(
    () =>
      void attempt('The samples could not be added', async () => {
        const { addSamples, SAMPLE_NOTES } = await import('./samples.ts');
        const adding = await addSamples(db, new Date());
        notices.toast(`Added ${SAMPLE_NOTES} notes and a quarter of meetings.`, {
          label: 'Undo',
          run: () => void attempt('The samples could not be taken away', () => adding.undo()),
        });
      }),
    [db, attempt, notices],
  );
}

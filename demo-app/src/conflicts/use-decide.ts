/** Carries out a decision: writes it, says what happened, and lets the place where it was made move the focus on. */
import { useCallback } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';

/** `done`: 'Kept Anna’s title'. */
export type Decide = (done: string, write: () => Promise<unknown>) => Promise<void>;

export function useDecide(onDecided: () => void): Decide {
  const { toDecide } = useOverview();
  const attempt = useAttempt();
  const notices = useNotices();
  return useCallback(
    async (done, write) => {
      if (!(await attempt('That could not be decided now', write))) return;
      const left = Math.max(0, toDecide - 1);
      notices.announce(`${done}. ${left === 0 ? 'Nothing left to decide.' : `${left} left.`}`);
      onDecided();
    },
    [attempt, notices, onDecided, toDecide],
  );
}

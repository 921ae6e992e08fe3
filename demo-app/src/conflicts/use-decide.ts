/**
 * Carries out a decision: writes it, says what happened and how much is left, offers to undo it, and lets the place where it was
 * made move the focus on.
 */
import type { Commit } from '@skerry/sdk';
import { useCallback } from 'react';

import { useOverview } from '../data/overview.tsx';
import { useAttempt } from '../data/use-attempt.ts';
import { useNotices } from '../ui/notices.tsx';

/** `done`: 'Kept Anna’s title'. */
export type Decide = (done: string, write: () => Promise<Commit<void>>) => Promise<void>;

export function useDecide(onDecided: () => void): Decide {
  const { toDecide } = useOverview();
  const attempt = useAttempt();
  const notices = useNotices();
  return useCallback(
    (done, write) =>
      attempt('That could not be decided now', async () => {
        const decision = await write();
        const left = Math.max(0, toDecide - 1);
        notices.undoable(
          `${done}. ${leftText(left)}`,
          () => void attempt('The decision could not be undone', () => decision.undo()),
        );
        onDecided();
      }).then(() => undefined),
    [attempt, notices, onDecided, toDecide],
  );
}

export function leftText(left: number): string {
  return left === 0 ? 'Nothing left to decide.' : `${left} left.`;
}

/** Runs a write and tells the person when it fails, in the words of the caller. */
import { useCallback } from 'react';

import { useNotices } from '../ui/notices.tsx';

/** `failure`: 'The note could not be saved'. Gives whether it went well. */
export type Attempt = (failure: string, write: () => Promise<unknown>) => Promise<boolean>;

export function useAttempt(): Attempt {
  const notices = useNotices();
  return useCallback(
    async (failure, write) => {
      try {
        await write();
        return true;
      } catch (error) {
        notices.failed(failure, error);
        return false;
      }
    },
    [notices],
  );
}

/** Whether a media query holds now. For what CSS alone cannot say. */
import { useCallback, useSyncExternalStore } from 'react';

export const NARROW = '(max-width: 48rem)';

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (onChange: () => void) => {
      const media = matchMedia(query);
      media.addEventListener('change', onChange);
      return () => media.removeEventListener('change', onChange);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

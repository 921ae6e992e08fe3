/**
 * The wire between the hosts of all tabs of one device: BroadcastChannel `skerry:<name>`. It makes things fast, never
 * correct: whoever misses a message finds the truth in the database at its next step.
 */
import { isTabMessage, type TabMessage } from './host-messages.ts';

export interface TabChannel {
  /** To every other context, never back to this one. */
  post(message: TabMessage): void;
  /** Nobody can hear this context, nor be heard by it. */
  readonly isAlone: boolean;
  /** Nothing is heard afterwards. */
  close(): void;
}

/** Without BroadcastChannel this context is alone. */
export function openTabChannel(name: string, onMessage: (message: TabMessage) => void): TabChannel {
  if (typeof BroadcastChannel === 'undefined') return { isAlone: true, post: () => undefined, close: () => undefined };
  const channel = new BroadcastChannel(`skerry:${name}`);
  let isOpen = true;
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isOpen && isTabMessage(data)) onMessage(data);
  });
  return {
    isAlone: false,
    post: (message) => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has no target
      if (isOpen) channel.postMessage(message);
    },
    close() {
      isOpen = false;
      channel.close();
    },
  };
}

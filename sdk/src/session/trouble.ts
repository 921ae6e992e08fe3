/** What the end of a link means for the people who look at the status. */
import { CLOSE, type ErrorFrame } from '../protocol/messages.ts';
import type { Trouble } from './state.ts';
import type { LinkStatus, Problem } from './sync-state.ts';

/** What the last frame of a server means for the link. */
export function troubleOf(error: Pick<ErrorFrame, 'code' | 'message'>): {
  readonly trouble: Trouble;
  readonly isFinal: boolean;
} {
  const reason: Problem = { code: error.code, message: error.message };
  const final = (show: LinkStatus): { trouble: Trouble; isFinal: boolean } => ({
    trouble: { show, reason },
    isFinal: true,
  });
  switch (error.code) {
    case 'AUTH_REQUIRED':
      return final('auth-required');
    case 'UPGRADE_REQUIRED':
      return final('upgrade-required');
    case 'SERVER_REPLACED':
    case 'FORBIDDEN':
    case 'ACCESS_REVOKED':
      return final('stalled');
    default:
      return { trouble: { show: 'backoff', reason }, isFinal: false };
  }
}

/** What a close code means when no error frame came before it. */
export function errorOfClose(code: number, text: string): Problem {
  const message = text === '' ? `The connection was closed (${code}).` : text;
  switch (code) {
    case CLOSE.unauthenticated:
      return { code: 'AUTH_REQUIRED', message };
    case CLOSE.forbidden:
      return { code: 'FORBIDDEN', message };
    case CLOSE.upgradeRequired:
      return { code: 'UPGRADE_REQUIRED', message };
    case CLOSE.restart:
      return { code: 'SHUTTING_DOWN', message };
    case CLOSE.tryLater:
      return { code: 'RATE_LIMITED', message };
    case CLOSE.serverReplaced:
      return { code: 'SERVER_REPLACED', message };
    case CLOSE.tooLarge:
      return { code: 'TOO_LARGE', message };
    case CLOSE.badFrame:
      return { code: 'BAD_FRAME', message };
    case CLOSE.outOfOrder:
      return { code: 'OUT_OF_ORDER', message };
    default:
      return { code: 'OFFLINE', message };
  }
}

/** The network failed, as far as anyone can tell. */
export function offline(message: string): Trouble {
  return { show: 'offline', reason: { code: 'OFFLINE', message } };
}

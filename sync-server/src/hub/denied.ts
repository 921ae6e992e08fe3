/** Why a peer is sent away: what its last frame says, and the code of the close. */
import type { ErrorCode } from '@skerry/sdk/kernel';

export interface Denied {
  readonly type: 'denied';
  readonly code: ErrorCode;
  readonly message: string;
  readonly close: number;
}

export function denied(code: ErrorCode, message: string, close: number): Denied {
  return { type: 'denied', code, message, close };
}

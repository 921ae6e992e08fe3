/** Errors as plain data: a class does not survive the way from a worker to a page. */
import { SkerryError } from '../lib/errors.ts';
import type { Problem } from '../session/sync-state.ts';

/** What went wrong with the device's storage. */
export function storageProblemOf(error: unknown): Problem {
  if (error instanceof SkerryError) return { code: error.code, message: error.message };
  const message = messageOf(error);
  return isQuotaError(error) ? { code: 'QUOTA', message } : { code: 'STORAGE_FAILED', message };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function isQuotaError(error: unknown): boolean {
  return error instanceof Error && error.name === 'QuotaExceededError';
}

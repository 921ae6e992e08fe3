/**
 * Whose a change is stands beside it for ever and is compared with who comes next. So it has to be a text that every storage
 * gives back to the letter: one of them would refuse a NUL, another alter half of a surrogate pair.
 */
import { SkerryError } from '@skerry/sdk/kernel';

import type { Principal } from './access.ts';

const MAX_LENGTH = 256;

/** Throws for an id that the application's `authenticate` should not have given. */
export function checkOwner(principal: Principal | null): void {
  if (principal === null) return;
  const { id } = principal as { readonly id: unknown };
  const isKept =
    typeof id === 'string' && id.length > 0 && id.length <= MAX_LENGTH && id.isWellFormed() && !id.includes('\0');
  if (!isKept)
    throw new SkerryError(
      'INVALID_ID',
      `authenticate gave a user an id that is no well-formed text of 1 to ${MAX_LENGTH} characters without NUL`,
    );
}

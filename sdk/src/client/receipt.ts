/** What a receipt says, from what is known of its change: pure. */
import { incOf, seqOf, type Dot } from '../core/dot.ts';
import { SkerryError } from '../lib/errors.ts';
import type { ConflictRow } from '../store/layout.ts';
import type { ChangeFate } from '../store/receipts.ts';
import type { SyncState } from '../worker/link.ts';
import type { Receipt } from './types.ts';

export const SAVED: Receipt = { state: 'saved' };
export const ACCEPTED: Receipt = { state: 'accepted' };

export interface LinkKnowledge {
  readonly acceptedThrough: SyncState['acceptedThrough'];
  /** Place in the outbox of the last change that is on its way to a server; null: none is. */
  readonly sentThrough: number | null;
}

export interface Written {
  /** Whether the change wrote this record. */
  wrote(collection: string, id: string): boolean;
}

export function receiptOf(
  written: Written,
  fate: ChangeFate,
  refused: SkerryError | null,
  { acceptedThrough, sentThrough }: LinkKnowledge,
  conflicts: readonly ConflictRow[],
): Receipt {
  if (refused && !fate.isInLog) return { state: 'rejected', error: refused };
  const { dot, isPending, order } = fate;
  if (isPending && !isHeld({ acceptedThrough }, dot))
    return sentThrough !== null && order !== null && order <= sentThrough ? { state: 'sending' } : SAVED;
  const open = conflicts.filter((conflict) => isAbout(conflict, dot, written)).map(({ id }) => id);
  return open.length === 0 ? ACCEPTED : { state: 'conflicted', conflicts: open.sort() };
}

/** Whether a server has said that it has it. */
export function isHeld({ acceptedThrough }: Pick<LinkKnowledge, 'acceptedThrough'>, dot: Dot): boolean {
  return Object.hasOwn(acceptedThrough, incOf(dot)) && seqOf(dot) <= acceptedThrough[incOf(dot)]!;
}

function isAbout(conflict: ConflictRow, dot: Dot, { wrote }: Written): boolean {
  switch (conflict.kind) {
    case 'field':
      return conflict.versions.some((version) => version.dot === dot);
    case 'delete':
      return conflict.deleted.dot === dot || conflict.edited.dot === dot;
    case 'recovered':
      return conflict.made.dot === dot;
    case 'constraint':
      return conflict.rowIds.some((id) => wrote(conflict.collection, id));
  }
}

export function isSameReceipt(a: Receipt, b: Receipt): boolean {
  return textOf(a) === textOf(b);
}

/** An error's message is not among what JSON.stringify sees. */
function textOf(receipt: Receipt): string {
  return JSON.stringify([receipt, receipt.state === 'rejected' ? [receipt.error.code, receipt.error.message] : null]);
}

/** Of a change that was emptied, when what became of it was decided before anybody looked. */
export function withdrawn(): SkerryError {
  return new SkerryError('WITHDRAWN', 'A server did not take this change; it was taken back.');
}

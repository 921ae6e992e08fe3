/**
 * Requests whose answer nobody waits for, and transactions of which something fails before their end is waited for. What
 * fails, fails with the transaction, and whoever began it is told by that; the promises beside it would be told to the
 * page as unhandled.
 */

export function issue(request: Promise<unknown>): void {
  request.catch(() => undefined);
}

export function begun<T extends { readonly done: Promise<void> }>(tx: T): T {
  issue(tx.done);
  return tx;
}

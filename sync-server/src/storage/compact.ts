/**
 * Keeps a space small: cuts the log, forgets deleted records, remembers where the log stands. In small transactions, so
 * that nobody who writes waits long. What may go is the kernel's decision.
 */
import { forgettable, publish, remember, truncatable, truncated, type Retention } from '@skerry/sdk/kernel';

import type { Storage } from './port.ts';
import { questionOfSpace } from './questions.ts';

export interface Compacted {
  readonly entries: number;
  readonly records: number;
}

/** Most entries, and most records, that go in one transaction. */
const MAX_PER_STEP = 500;

/** Says where the server stands and what it promises, if there is news: what may be forgotten follows from it. */
export async function publishStep(storage: Storage, space: string, nowMs: number, retention: Retention): Promise<void> {
  await storage.transact([space], async (transaction) => {
    const [view] = await transaction.views([questionOfSpace(space)]);
    if (publish(view!, nowMs, retention)) await transaction.save(space, view!);
  });
}

/** One small transaction. There is more to do when as much went as may in one. */
export async function compactStep(
  storage: Storage,
  space: string,
  nowMs: number,
  retention: Retention,
): Promise<Compacted & { readonly isDone: boolean }> {
  return storage.transact([space], async (transaction) => {
    const [view] = await transaction.views([questionOfSpace(space)]);
    const before = view!.meta;
    view!.meta = remember(before, nowMs, retention);
    const cut = await transaction.cut(space, truncatable(view!.meta, nowMs, retention), MAX_PER_STEP);
    if (cut.length > 0) view!.meta = truncated(view!.meta, cut);
    const records = await transaction.forget(space, forgettable(view!.meta), MAX_PER_STEP);
    if (view!.meta !== before) await transaction.save(space, view!);
    return { entries: cut.length, records, isDone: cut.length < MAX_PER_STEP && records < MAX_PER_STEP };
  });
}

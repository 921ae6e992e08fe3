/**
 * A change that its server will never take in this form. What it edits of forgotten records moves to copies; what may not
 * be written, or cannot be read, is taken back and kept for somebody to decide. The rest of the outbox goes on.
 */
import type { Dot } from '../core/dot.ts';
import type { Refusal } from '../protocol/messages.ts';
import type { RecordName, TakeBackResult } from '../store/device-store.ts';
import type { Effect } from './events.ts';
import { onLink, withEffects, withLink, type Link, type SessionState, type Step } from './state.ts';
import type { Problem } from './sync-state.ts';

/** `record`: what the change edits was deleted and forgotten. */
export function takeBack(
  state: SessionState,
  link: Link,
  { dot, record }: Pick<Refusal, 'dot'> & { readonly record?: RecordName | undefined },
  error: Problem,
): Step {
  const waiting = withLink(state, link, { pushing: { type: 'taking-back' } });
  const effect = record
    ? ({ type: 'recover', dot, record, error } as const)
    : ({ type: 'reject', dot, error } as const);
  return withEffects(waiting, onLink(state, effect));
}

/** Also told when its connection is gone: it is in the store. */
export function newsOfTakeBack(dot: Dot, error: Problem, result: TakeBackResult, atMs: number): readonly Effect[] {
  if (result.type !== 'taken-back') return [];
  const taken = result.records.map(({ collection, rowId, copy }): Effect => ({
    type: 'announce',
    news:
      copy === null
        ? { at: atMs, type: 'rejected', dot, collection, rowId, error }
        : { at: atMs, type: 'recovered', collection, rowId, copy },
  }));
  const moved = result.conflictsChanged.map((move): Effect => ({ type: 'announce', news: { at: atMs, ...move } }));
  return [...taken, ...moved];
}

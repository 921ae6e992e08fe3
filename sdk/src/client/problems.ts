/** What a policy has to say, told to the app: once per field and kind, however often its rows are read. */
import type { Subject } from 'rxjs';

import { MIGRATE, problemKey, type PolicyProblem } from '../core/policy-problem.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Logger, SyncEvent } from './types.ts';

/** Told to the logger at once, and as an event to whoever listens by then. */
export function createProblemReport(
  events: Subject<SyncEvent>,
  logger: Logger | undefined,
): (problem: PolicyProblem, atMs: number) => void {
  const logged = new Set<string>();
  const announced = new Set<string>();
  return (problem, atMs) => {
    const key = problemKey(problem);
    const event = eventOfProblem(problem, atMs);
    if (logged.size < logged.add(key).size) logger?.error(sentenceOf(event), problem);
    // An event has no replay: one that nobody heard is told again.
    if (!events.observed || announced.size === announced.add(key).size) return;
    events.next(event);
  };
}

type ProblemEvent = Extract<SyncEvent, { type: PolicyProblem['type'] }>;

function eventOfProblem(problem: PolicyProblem, atMs: number): ProblemEvent {
  const at = new Date(atMs);
  if (problem.type !== 'policy-failed') return { ...problem, at };
  const { reason, ...about } = problem;
  const message =
    problem.policy === MIGRATE
      ? `migrate() of ${problem.collection} cannot be used for ${problem.rowId}, which is shown as it was written: ${reason}.`
      : `merge('${problem.policy}') of ${problem.collection}.${problem.field} cannot be used: ${reason}.`;
  return { ...about, at, error: new SkerryError('POLICY_FAILED', message) };
}

function sentenceOf(event: ProblemEvent): string {
  const place = `${event.collection}.${event.field}`;
  switch (event.type) {
    case 'policy-failed':
      return event.error.message;
    case 'policy-slow':
      return `merge('${event.policy}') of ${place} took ${event.tookMs} ms; it runs whenever such a row is read.`;
    case 'many-siblings':
      return `${place} has ${event.siblings} concurrent values; a field that everyone writes at once should be hot().`;
  }
}

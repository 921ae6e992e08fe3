/** migrate() of a collection, as the views call it: foreign code that is given copies and whose answer is checked. */
import type { Migrate } from '../core/shape.ts';
import type { Row } from '../core/view.ts';
import { findJsonProblem } from '../lib/json.ts';

/** What it throws, and an answer that is no row, concern this row only: it is shown as it was written. */
export function migration(fn: (old: unknown, from: number) => unknown): Migrate {
  return (old, from) => {
    const answer = fn(copyOf(old), from);
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw new Error('it returns no row');
    const present = Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined));
    const problem = findJsonProblem(present);
    if (problem) throw new Error(`${problem.path}: ${problem.reason}`);
    return copyOf(present as Row);
  };
}

function copyOf(row: Row): Row {
  return JSON.parse(JSON.stringify(row)) as Row;
}

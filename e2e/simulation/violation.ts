/** Something that must never be. */
export class Violation extends Error {
  /** Id of the invariant: two runs that break the same one fail alike. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`[${invariant}] ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

/** The name of a failure: what a smaller script must show as well. */
export function symptomOf(error: unknown): string {
  if (error instanceof Violation) return error.invariant;
  return error instanceof Error
    ? `${error.name}: ${error.message.replaceAll(/[\w.~-]*\d[\w.~-]*/g, '…').slice(0, 60)}`
    : 'error';
}

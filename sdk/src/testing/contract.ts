/** Suites for whoever writes an implementation of one of our ports: plain cases, for any test runner. */

/** `run` rejects when the promise that `name` states is broken. */
export interface ContractCase<Subject> {
  readonly name: string;
  run(subject: Subject): Promise<void>;
}

export function hold(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`broken promise: ${promise}`);
}

/** Waits in real time, as everything that a port does. */
export async function until(check: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const endsAt = performance.now() + limitMs;
  while (!check()) {
    if (performance.now() > endsAt) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** An error and what it wraps. Dexie names the inner one `inner`, and those of a bulk write `failures`. */

export function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let next = error; isObject(next) && !chain.includes(next) && chain.length < 8;) {
    chain.push(next);
    next = next['inner'] ?? (Array.isArray(next['failures']) ? next['failures'][0] : undefined) ?? next['cause'];
  }
  return chain;
}

export function errorName(error: unknown): string {
  return isObject(error) && typeof error['name'] === 'string' ? error['name'] : '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

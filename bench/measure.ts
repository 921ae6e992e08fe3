/** What the benchmarks have in common: repetitions in turns, medians, and one way to print them. */
import { inspect, isDeepStrictEqual } from 'node:util';

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}

/** Milliseconds of every way to do one thing, taken in turns so that whatever else the machine does slows all of them. */
export function inTurns<Name extends string>(
  times: number,
  ways: Readonly<Record<Name, () => void>>,
): Readonly<Record<Name, readonly number[]>> {
  const names = Object.keys(ways) as Name[];
  const result = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let i = 0; i < times; i += 1) {
    for (const name of names) {
      const startedMs = performance.now();
      ways[name]();
      result[name].push(performance.now() - startedMs);
    }
  }
  return result;
}

export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new Error(`${what}: ${inspect(found).slice(0, 300)} instead of ${inspect(wanted).slice(0, 300)}`);
}

export function printLine(name: string, ...cells: readonly string[]): void {
  console.log(`${name.padEnd(44)} ${cells.join('   ')}`);
}

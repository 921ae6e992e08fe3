/**
 * Claims in the order of `from`, in chunks: one that comes or goes moves the few others of its chunk, however many there
 * are in all.
 */
import type { Claim } from './claim.ts';

const MAX_CHUNK = 256;

export class SortedClaims {
  /** None is empty. */
  readonly #chunks: Claim[][] = [];

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  get first(): Claim | undefined {
    return this.#chunks[0]?.[0];
  }

  add(claim: Claim): void {
    const at = Math.max(0, firstWhere(this.#chunks, (chunk) => chunk[0]!.from > claim.from) - 1);
    const chunk = this.#chunks[at];
    if (!chunk) return void this.#chunks.push([claim]);
    chunk.splice(
      firstWhere(chunk, (other) => other.from > claim.from),
      0,
      claim,
    );
    if (chunk.length > MAX_CHUNK) this.#chunks.splice(at + 1, 0, chunk.splice(MAX_CHUNK / 2));
  }

  /** The very object that was added. */
  remove(claim: Claim): void {
    for (let at = this.#chunkOf(claim.from); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      const place = chunk.indexOf(claim);
      if (place === -1) continue;
      chunk.splice(place, 1);
      if (chunk.length === 0) this.#chunks.splice(at, 1);
      return;
    }
  }

  /** Those that begin in the range, both ends included. */
  between(lower: number, upper: number): readonly Claim[] {
    const found: Claim[] = [];
    for (let at = this.#chunkOf(lower); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      if (chunk[0]!.from > upper) break;
      const start = firstWhere(chunk, (claim) => claim.from >= lower);
      const end = firstWhere(chunk, (claim) => claim.from > upper);
      for (let i = start; i < end; i++) found.push(chunk[i]!);
    }
    return found;
  }

  /** The first chunk that may hold claims that begin then. */
  #chunkOf(from: number): number {
    return Math.max(0, firstWhere(this.#chunks, (chunk) => chunk[0]!.from >= from) - 1);
  }
}

/** The first place from which on it is so; the length when it is so nowhere. */
function firstWhere<T>(items: readonly T[], is: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is(items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Which spaces are the largest. All of them are counted again and again, a few rows at a time, because counting a large
 * one at once would hold up everybody.
 */
import type { MeasuredPlace, Storage } from '../storage/port.ts';

export interface SpaceSize {
  readonly space: string;
  /** Of records and log as text; what the storage needs around them comes on top. */
  readonly bytes: number;
  readonly records: number;
}

export interface SpaceSizesOptions {
  readonly storage: Storage;
  /** A round over all spaces begins at most this often, in milliseconds. */
  readonly everyMs: number;
  readonly onFailure: (failure: unknown) => void;
}

/** So many spaces are named: more would make each of them a time series. */
export const LARGEST_SPACES = 10;
const TICK_MS = 1_000;
/** Rows counted in one go, and most of them in a tick: a few milliseconds. */
const ROWS_PER_PART = 500;
const ROWS_PER_TICK = 2_000;

export class SpaceSizes {
  readonly #options: SpaceSizesOptions;
  readonly #ticker: NodeJS.Timeout | undefined;
  #largest: readonly SpaceSize[] = [];
  #round: AsyncGenerator<number> | null = null;
  #roundMs = -Infinity;
  #counting: Promise<void> | null = null;

  constructor(options: SpaceSizesOptions) {
    this.#options = options;
    if (!options.storage.measure) return;
    this.#ticker = setInterval(() => this.#tick(), Math.min(TICK_MS, options.everyMs)).unref();
  }

  /** The largest first. */
  largest(): readonly SpaceSize[] {
    return this.#largest;
  }

  /** Resolves when nothing is counted any more. */
  async close(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#counting;
  }

  #tick(): void {
    const isResting = this.#round === null && performance.now() - this.#roundMs < this.#options.everyMs;
    if (this.#counting || isResting) return;
    this.#counting = this.#count()
      .catch((failure: unknown) => {
        this.#round = null;
        this.#options.onFailure(failure);
      })
      .finally(() => (this.#counting = null));
  }

  async #count(): Promise<void> {
    if (this.#round === null) [this.#round, this.#roundMs] = [this.#everySpace(), performance.now()];
    for (let rows = 0; rows < ROWS_PER_TICK;) {
      const { value, done } = await this.#round.next();
      if (done) return void (this.#round = null);
      rows += value;
    }
  }

  /** Gives what each part has cost. */
  async *#everySpace(): AsyncGenerator<number> {
    const { storage } = this.#options;
    let last: string | null = null;
    for (;;) {
      const [space]: readonly string[] = await storage.spaces(last, 1);
      if (space === undefined) return;
      yield* this.#oneSpace(space);
      last = space;
    }
  }

  async *#oneSpace(space: string): AsyncGenerator<number> {
    let [bytes, records] = [0, 0];
    let place: MeasuredPlace | null = null;
    do {
      const part = await this.#options.storage.measure!(space, place, ROWS_PER_PART);
      bytes += part.bytes;
      records += part.records;
      place = part.next;
      yield part.rows + 1;
    } while (place !== null);
    this.#note({ space, bytes, records });
  }

  #note(size: SpaceSize): void {
    const others = this.#largest.filter(({ space }) => space !== size.space);
    this.#largest = [...others, size].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST_SPACES);
  }
}

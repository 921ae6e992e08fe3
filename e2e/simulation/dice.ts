/** Choices from a seed. Every action has dice of its own, so that leaving one out does not change the others. */
import { seededRandom, type Random } from '@skerry/sdk/kernel';

export class Dice {
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  fraction(): number {
    return this.random.fraction();
  }

  below(n: number): number {
    return Math.floor(this.random.fraction() * n);
  }

  chance(p: number): boolean {
    return this.random.fraction() < p;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** One of the values, as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.random.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of choices) if ((left -= weight) < 0) return value;
    return choices.at(-1)![1];
  }

  /** A seed for dice of their own. */
  seed(): number {
    return this.below(2 ** 31);
  }
}

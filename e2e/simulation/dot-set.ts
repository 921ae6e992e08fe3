/** A set of changes by their number in this world: small, quick to copy and to compare. */
export class DotSet {
  #words: Uint32Array;

  constructor(words = new Uint32Array(8)) {
    this.#words = words;
  }

  has(i: number): boolean {
    return ((this.#words[i >>> 5] ?? 0) & (1 << (i & 31))) !== 0;
  }

  add(i: number): void {
    const word = i >>> 5;
    if (word >= this.#words.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[word]! |= 1 << (i & 31);
  }

  delete(i: number): void {
    if (this.has(i)) this.#words[i >>> 5]! &= ~(1 << (i & 31));
  }

  copy(): DotSet {
    return new DotSet(this.#words.slice());
  }

  /** With everything of the other one. */
  union(other: DotSet): DotSet {
    const [long, short] = this.#words.length < other.#words.length ? [other, this] : [this, other];
    const words = long.#words.slice();
    for (let i = 0; i < short.#words.length; i++) words[i]! |= short.#words[i]!;
    return new DotSet(words);
  }

  /** Without what is in the other one. */
  without(other: DotSet): DotSet {
    const left = this.copy();
    for (const i of other) left.delete(i);
    return left;
  }

  /** The least that is in here and not in the other one; null when there is none. */
  firstNotIn(other: DotSet): number | null {
    for (let word = 0; word < this.#words.length; word++) {
      const missing = this.#words[word]! & ~(other.#words[word] ?? 0);
      if (missing !== 0) return (word << 5) + (31 - Math.clz32(missing & -missing));
    }
    return null;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let word = 0; word < this.#words.length; word++) {
      for (let left = this.#words[word]!; left !== 0; left &= left - 1)
        yield (word << 5) + (31 - Math.clz32(left & -left));
    }
  }
}

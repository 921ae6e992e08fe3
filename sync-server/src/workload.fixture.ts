/** Devices that push as fast as they are answered, and what has to be true of a server afterwards, whatever happened to it. */
import type { Change, Inc } from '@skerry/sdk/kernel';
import { expect } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from './device.fixture.ts';

export const CHANGES_PER_PUSH = 5;

export class Workload {
  readonly #sent = new Map<Inc, Change[]>();
  readonly #acknowledged = new Map<Inc, number>();
  #answers = 0;

  /** Answers so far. */
  get answers(): number {
    return this.#answers;
  }

  /** Pushes over so many connections until each has ended; `onAnswer` is called at every answer. */
  async run(
    url: string,
    { writers = 4, onAnswer }: { readonly writers?: number; readonly onAnswer?: () => void } = {},
  ): Promise<void> {
    const from = this.#sent.size;
    const names = Array.from({ length: writers }, (_, i) => new TestWriter(`w${from + i}`));
    for (const { inc } of names) {
      this.#sent.set(inc, []);
      this.#acknowledged.set(inc, 0);
    }
    await Promise.all(names.map((writer) => this.#push(url, writer, onAnswer).catch(() => undefined)));
  }

  /** What was acknowledged is there; a push is there whole or not at all; sent again, all is there, and once. */
  async check(url: string): Promise<void> {
    const device = await TestDevice.connect(url, { writers: [...this.#sent.keys()] });
    const { known } = device.welcome;
    for (const [inc, seq] of this.#acknowledged) expect([inc, known[inc]! >= seq]).toEqual([inc, true]);
    for (const seq of Object.values(known)) expect(seq % CHANGES_PER_PUSH).toBe(0);
    for (const [inc, changes] of this.#sent) {
      for (let at = 0; at < changes.length; at += 500) {
        const upTo = Math.min(at + 500, changes.length);
        const answer = await device.push(...changes.slice(at, upTo));
        expect(answer).toEqual({ type: 'pushed', known: { [inc]: Math.max(upTo, known[inc]!) } });
      }
    }
    const all = [...this.#sent.values()].flat().map(({ dot }) => dot);
    const reader = await TestDevice.connect(url);
    const stored = all.length === 0 ? [] : dotsOf(await reader.readTo(all.length));
    expect([...stored].sort()).toEqual([...all].sort());
  }

  async #push(url: string, writer: TestWriter, onAnswer?: () => void): Promise<never> {
    const device = await TestDevice.connect(url);
    for (;;) {
      const changes = writer.many(CHANGES_PER_PUSH);
      this.#sent.get(writer.inc)!.push(...changes);
      const { known, refused } = await device.push(...changes);
      // Of a full disk: sent again in the end.
      if (refused) throw new Error(refused.code);
      this.#acknowledged.set(writer.inc, known[writer.inc]!);
      this.#answers++;
      onAnswer?.();
    }
  }
}

/** A link over HTTP under a network that loses, repeats and delays whatever it likes. */
import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { HttpLink } from './link.ts';

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('hub-sends' as const), size: fc.integer({ min: 0, max: 400_000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('device-sends' as const), isLost: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('poll' as const),
      fate: fc.constantFrom('arrives', 'lost', 'broken off'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('old-poll' as const), back: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('old-send' as const), back: fc.integer({ min: 0, max: 5 }) }) },
);

/** After everything that was asked for at once. */
const flushed = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a link over HTTP', { timeout: 60_000 }, () => {
  it('[HTP12] whatever is lost, repeated or late: each side has what the other sent, in order, once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const link = new HttpLink(DEFAULT_LIMITS);
        const [toHub, toDevice]: [string[], string[]] = [[], []];
        const [fromHub, fromDevice]: [string[], string[]] = [[], []];
        link.on('message', (text: string) => toHub.push(text));
        let confirmed = 0;
        const arrive = (from: number, frames: readonly string[]): void => {
          expect(from).toBeLessThanOrEqual(toDevice.length + 1);
          toDevice.push(...frames.slice(toDevice.length + 1 - from));
        };
        const ask = async (after: number, isHeard: boolean): Promise<void> => {
          const poll = {
            after,
            answer({ from }: { readonly from: number }, frames: readonly string[], delivered: () => void) {
              if (isHeard) arrive(from, frames);
              delivered();
            },
            drop: () => undefined,
          };
          link.poll(poll);
          await flushed();
          link.lost(poll);
        };
        for (const one of steps) {
          if (one.type === 'hub-sends') {
            fromHub.push(`${fromHub.length}:${'x'.repeat(one.size)}`);
            link.send(fromHub.at(-1)!);
          } else if (one.type === 'device-sends') {
            fromDevice.push(`d${fromDevice.length}`);
            if (!one.isLost && link.take(confirmed + 1, fromDevice.slice(confirmed))) confirmed = link.received;
          } else if (one.type === 'old-send') {
            const from = Math.max(1, confirmed - one.back);
            expect(link.take(from, fromDevice.slice(from - 1, confirmed))).toBe(true);
          } else if (one.type === 'poll') await ask(toDevice.length, one.fate === 'arrives');
          else await ask(Math.max(0, toDevice.length - one.back), false);
        }
        link.take(confirmed + 1, fromDevice.slice(confirmed));
        while (toDevice.length < fromHub.length) await ask(toDevice.length, true);
        expect(toDevice).toEqual(fromHub);
        expect(toHub).toEqual(fromDevice);
        await ask(toDevice.length, true);
        expect(link.bufferedAmount).toBe(0);
        link.terminate();
      }),
      { numRuns: 200 },
    );
  });
});

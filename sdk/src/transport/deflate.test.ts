import * as fc from 'fast-check';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { isSendable, MAX_INFLATE_RATIO } from '../protocol/deflated.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { canDeflate, deflate, inflate } from './deflate.ts';
import { inOrder } from './in-order.ts';

function bytesOf(buffer: Uint8Array): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}

describe('deflated frames', () => {
  it('[DFL1] any text comes back as it was, and any other implementation reads it', async () => {
    expect(canDeflate()).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.nat(20), async (part, times) => {
        const text = `\u{feff}${part.repeat(times)}`;
        const deflated = await deflate(text);
        expect(inflateRawSync(deflated).toString()).toBe(text);
        if (isSendable(text, deflated)) expect(await inflate(bytesOf(deflated))).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('[DFL1] a frame of the largest size comes back', async () => {
    let text = '';
    for (let i = 0; text.length < DEFAULT_LIMITS.frameBytes - 20; i++) text += `${Math.imul(i, 2_654_435_761)} `;
    const deflated = await deflate(text);
    expect(isSendable(text, deflated)).toBe(true);
    expect(await inflate(bytesOf(deflated))).toBe(text);
  });

  it('[DFL3] what unpacks further than its size allows is not sent so, and is refused before all of it is unpacked', async () => {
    const bomb = 'x'.repeat(DEFAULT_LIMITS.frameBytes);
    const deflated = deflateRawSync(bomb);
    expect(bomb.length / deflated.length).toBeGreaterThan(MAX_INFLATE_RATIO);
    expect(isSendable(bomb, deflated)).toBe(false);
    await expect(inflate(bytesOf(deflated))).rejects.toThrow(RangeError);
    const noise = Array.from({ length: 2 * DEFAULT_LIMITS.frameBytes }, (_, i) =>
      String.fromCharCode(33 + (Math.imul(i, 2_654_435_761) >>> 26)),
    ).join('');
    await expect(inflate(bytesOf(deflateRawSync(noise)))).rejects.toThrow(RangeError);
  });

  it('[DFL3] what is not deflated, cut off or no UTF-8 is refused', async () => {
    const whole = deflateRawSync(JSON.stringify({ type: 'pong', text: 'a'.repeat(50) }));
    for (const bytes of [
      Buffer.from('{"type":"ping"}'),
      whole.subarray(0, whole.length - 3),
      Buffer.alloc(0),
      deflateRawSync(Buffer.from([0x22, 0xff, 0xfe, 0x22])),
    ])
      await expect(inflate(bytesOf(bytes))).rejects.toThrow();
  });
});

describe('steps in order', () => {
  it('[DFL2] what is known at once is done at once, unless something in front is still coming', async () => {
    const done: string[] = [];
    const add = inOrder();
    const step = (name: string) => () => void done.push(name);
    const slow = Promise.withResolvers<() => void>();
    const last = Promise.withResolvers<void>();
    add(step('first'));
    expect(done).toEqual(['first']);
    add(slow.promise);
    add(Promise.resolve(step('third')));
    add(step('fourth'));
    add(() => last.resolve());
    expect(done).toEqual(['first']);
    slow.resolve(step('second'));
    await last.promise;
    expect(done).toEqual(['first', 'second', 'third', 'fourth']);
    add(step('fifth'));
    expect(done.at(-1)).toBe('fifth');
  });
});

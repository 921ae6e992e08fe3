import * as fc from 'fast-check';
import { encodeMessage, type DeviceMessage } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { changeOf, TestDevice, TestWriter } from './device.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';

let server: TestServer;

beforeEach(async () => {
  server = await startServer({ storage: memory() });
});

afterEach(() => server[Symbol.asyncDispose]());

const HELLO: DeviceMessage = {
  type: 'hello',
  protocol: 1,
  space: 'fuzz',
  device: 'd',
  cursor: {},
  writers: ['FUZZFUZZFUZZFUZZ'],
};
const FRAMES: readonly string[] = [
  HELLO,
  { type: 'push', changes: [changeOf('FUZZFUZZFUZZFUZZ.1')] } as const,
  { type: 'applied', cursor: {} } as const,
  { type: 'ping' } as const,
].map(encodeMessage);

/** A frame with a piece cut out and something else put in, or nothing of the kind. */
const damaged: fc.Arbitrary<string> = fc
  .record({
    frame: fc.constantFrom(...FRAMES),
    at: fc.nat(),
    cut: fc.nat(12),
    put: fc.oneof(fc.string(), fc.json({ maxDepth: 2 })),
  })
  .map(({ frame, at, cut, put }) => {
    const start = at % frame.length;
    return frame.slice(0, start) + put + frame.slice(start + cut);
  });
const anything = fc.oneof(
  { arbitrary: damaged, weight: 4 },
  { arbitrary: fc.constantFrom(...FRAMES), weight: 2 },
  { arbitrary: fc.string(), weight: 1 },
);

describe('anything at all', { timeout: 60_000 }, () => {
  it('[SRV11] whatever a peer sends, it gets frames of the protocol or a close, and the neighbours notice nothing', async () => {
    const neighbour = await TestDevice.connect(server.url);
    const writer = new TestWriter('neighbour');
    const conversation = fc.tuple(fc.boolean(), fc.array(anything, { minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(conversation, async ([isPolite, texts]) => {
        const peer = await TestDevice.open(server.url);
        if (isPolite) peer.send(HELLO);
        for (const text of texts) peer.send(text);
        // The device of these tests throws on a frame from the server that is none.
        peer.socket.close();
        await peer.closed;
        expect(await neighbour.push(writer.next())).not.toHaveProperty('refused');
      }),
      { numRuns: 300 },
    );
    expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

import { expect, test } from 'vitest';

import { seededRandom } from '../lib/random.ts';
import { decodeDeviceMessage, encodeMessage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { ServerMessage } from '../protocol/messages.ts';
import { bootstrap, ingested, piece, welcome } from '../session/session.fixture.ts';
import { SESSION_TIMES } from '../session/state.ts';
import type { DeviceStore } from '../store/device-store.ts';
import type { TransportHandlers } from '../transport/transport.ts';
import { createEngine, type Touched } from './engine.ts';
import { TestClock } from './engine.fixture.ts';
import { createMemoryStore } from './memory-store.fixture.ts';

const SERVER = 'AAAAAAAAAAA';

test('[EN22] pieces of a snapshot go to the store one by one; rows are told when the device has gone over', async () => {
  const clock = new TestClock();
  const pieces: number[] = [];
  const told: Touched[] = [];
  const sent: string[] = [];
  let wire: TransportHandlers | null = null;
  const memory = createMemoryStore({ deviceId: 'd', inc: 'A'.repeat(16), nowMs: () => clock.nowMs() });
  const store: DeviceStore = {
    ...memory,
    ingestSnapshot: async (about, { piece: n }) => {
      pieces.push(n);
      return n + 1 < about.pieces ? { type: 'staged' } : ingested(about.cursor, { touched: { notes: ['a'] } });
    },
  };
  const engine = createEngine({
    url: 'ws://test',
    session: { space: 'default', token: null, ...SESSION_TIMES },
    openStore: async () => store,
    transport: {
      connect: (_url, handlers) => {
        wire = handlers;
        return { send: (text) => void sent.push(text), close: () => undefined };
      },
    },
    clock,
    random: seededRandom(1),
    onState: () => undefined,
    onNews: () => undefined,
    onChanged: (touched) => void told.push(touched),
    onAnswer: () => undefined,
  });
  const hear = async (message: ServerMessage): Promise<void> => {
    wire!.frame(encodeMessage(message));
    await clock.advance(10);
  };
  engine.send({ type: 'start', paused: false });
  await clock.advance(10);
  wire!.opened();
  await clock.advance(10);
  const about = { ...bootstrap(2), cursor: { [SERVER]: 9 } };
  await hear(welcome({ sid: SERVER, founders: [SERVER], known: {}, cursor: { [SERVER]: 9 }, bootstrap: about }));
  await hear(piece(0));
  expect([pieces, told]).toEqual([[0], []]);
  await hear(piece(1));
  expect([pieces, told]).toEqual([[0, 1], [{ notes: ['a'] }]]);
  const messages = sent.map((text) => decodeDeviceMessage(text, DEFAULT_LIMITS));
  const staged = messages.flatMap((decoded) =>
    decoded.type === 'ok' && decoded.message.type === 'staged' ? [decoded.message.piece] : [],
  );
  expect(staged).toEqual([0, 1]);
  await engine.stop();
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { incOf, seqOf } from '../core/dot.ts';
import type { DeviceStore } from '../store/device-store.ts';
import { SESSION_TIMES } from '../session/state.ts';
import type { SyncState } from '../session/sync-state.ts';
import { createEngine } from './engine.ts';
import { TestClock, TestDevice, TestNetwork, TestServer, type Weather } from './engine.fixture.ts';

interface World {
  readonly clock: TestClock;
  readonly server: TestServer;
  readonly a: TestDevice;
  readonly b: TestDevice;
}

function createWorld(seed = 1): World {
  const clock = new TestClock();
  const server = new TestServer(() => clock.nowMs());
  const a = new TestDevice('a', clock, server, seed, (device) => checkHonesty(device, server));
  const b = new TestDevice('b', clock, server, seed + 1, (device) => checkHonesty(device, server));
  for (const device of [a, b]) device.engine.send({ type: 'start', paused: false });
  return { clock, server, a, b };
}

/** What a status may claim, measured at the server itself. */
function checkHonesty(device: TestDevice, server: TestServer): void {
  const { state, store } = device;
  for (const [inc, seq] of Object.entries(state.acceptedThrough)) expect(server.known(inc)).toBeGreaterThanOrEqual(seq);
  if (!state.inSync) return;
  for (const { change } of store.outbox)
    expect(server.known(incOf(change.dot))).toBeGreaterThanOrEqual(seqOf(change.dot));
}

const dots = (changes: readonly { dot: string }[]): string[] => changes.map(({ dot }) => dot);

test('[EN1] what one device writes reaches the other, and both say so', async () => {
  const { clock, a, b, server } = createWorld();
  await clock.advance(1_000);
  expect([a.state.connection, b.state.connection]).toEqual(['online', 'online']);
  const written = ['x', 'y', 'z', 'u'].map((text) => a.write(text));
  expect(a.state.inSync).toBe(false);
  await clock.advance(1_000);
  expect(dots(server.log)).toEqual(dots(written));
  expect(dots(b.store.log)).toEqual(dots(written));
  expect(a.store.outbox).toEqual([]);
  expect([a.state.inSync, b.state.inSync]).toEqual([true, true]);
  expect(b.changed.flatMap((touched) => touched['notes'] ?? [])).toEqual(['note-1', 'note-2', 'note-3', 'note-4']);
});

test('[EN2] a lost acknowledgement leads to no second effect, and to no doubt that stays', async () => {
  const { clock, a, server } = createWorld();
  await clock.advance(1_000);
  a.network.weather = 'up-only';
  a.write('kept');
  await clock.advance(50);
  expect(server.log).toHaveLength(1);
  expect(a.state.acceptedThrough).not.toMatchObject({ [incOf(server.log[0]!.dot)]: 1 });
  a.network.weather = 'clear';
  a.network.cut();
  a.write('written meanwhile');
  await clock.advance(2_000);
  expect(server.log.map(({ dot }) => seqOf(dot))).toEqual([1, 2]);
  expect(a.store.outbox).toEqual([]);
});

test('[EN3] a silent link is noticed within 15 s and left; the outbox drains when the network is back', async () => {
  const { clock, a, server } = createWorld();
  await clock.advance(1_000);
  a.network.weather = 'black-hole';
  a.write('in the dark');
  await clock.advance(15_000);
  expect(a.state).toMatchObject({ connection: 'offline', inSync: false });
  await clock.advance(60_000);
  expect(server.log).toEqual([]);
  a.network.weather = 'clear';
  await clock.advance(30_000);
  expect(server.log).toHaveLength(1);
  expect(a.state).toMatchObject({ connection: 'online', inSync: true });
});

test('[EN4] an idle link is kept alive by heartbeats and reconnects for no reason of its own', async () => {
  const { clock, a } = createWorld();
  await clock.advance(600_000);
  expect(a.network.connects).toBe(1);
  expect(a.state.connection).toBe('online');
});

test('[EN5] a server that hears nothing while its pages keep coming is noticed by the overdue answer', async () => {
  const { clock, a, b, server } = createWorld();
  await clock.advance(1_000);
  a.network.weather = 'down-only';
  a.write('unheard');
  for (let n = 0; n < 8; n++) {
    b.write(`from b ${n}`);
    await clock.advance(5_000);
  }
  expect(a.state.acceptedThrough).toEqual({});
  a.network.weather = 'clear';
  await clock.advance(30_000);
  expect(dots(a.store.log)).toEqual(dots(server.log));
  expect(server.log).toHaveLength(9);
});

test('[EN13] what arrives late on a forgotten connection is a duplicate to everyone', async () => {
  const { clock, a, b, server } = createWorld();
  await clock.advance(1_000);
  a.network.weather = 'hold';
  a.write('sent into the stall');
  await clock.advance(14_000);
  expect(a.state.connection).toBe('offline');
  a.network.weather = 'clear';
  await clock.advance(30_000);
  expect(a.network.connects).toBeGreaterThan(1);
  expect(dots(server.log)).toEqual(dots(b.store.log));
  expect(server.log).toHaveLength(1);
  expect(a.store.outbox).toEqual([]);
});

test('[EN6] a restarting server is left and found again', async () => {
  const { clock, a, server } = createWorld();
  await clock.advance(1_000);
  server.shutDown();
  await clock.advance(20);
  expect(a.state).toMatchObject({ connection: 'backoff', reason: { code: 'SHUTTING_DOWN' } });
  await clock.advance(5_000);
  expect(a.state).toMatchObject({ connection: 'online', reason: null });
});

test('[EN7] a clock that is an hour ahead is corrected and everything arrives', async () => {
  const { clock, a, b, server } = createWorld();
  a.skewMs = 3_600_000;
  await clock.advance(1_000);
  a.write('early');
  a.write('bird');
  await clock.advance(2_000);
  expect(server.log.map(({ hlc }) => hlc <= (clock.nowMs() + 60_000) * 1_024)).toEqual([true, true]);
  expect(a.news.filter(({ type }) => type === 'restamped')).toMatchObject([{ changes: 2, offsetMs: -3_600_010 }]);
  expect(dots(b.store.log)).toEqual(dots(server.log));
  expect(a.state).toMatchObject({ connection: 'online', inSync: true });
});

test('[EN8] frames that are not of the protocol end the connection, not the device', async () => {
  const { clock, a, server } = createWorld();
  await clock.advance(1_000);
  server.broadcast({ type: 'page', entries: 'none' } as never);
  await clock.advance(20);
  expect(a.state).toMatchObject({ connection: 'backoff', reason: { code: 'BAD_FRAME' } });
  a.write('still here');
  await clock.advance(5_000);
  expect(server.log).toHaveLength(1);
});

test('[EN14] who asks is answered after what the server had by then is in the reported state', async () => {
  const { clock, a, b } = createWorld();
  await clock.advance(1_000);
  b.write('just now');
  await clock.advance(12);
  a.engine.send({ type: 'wake', ask: 'is that all?' });
  expect(a.state.inSync).toBe(true);
  await clock.advance(25);
  expect(a.answers).toEqual([{ ask: 'is that all?', isKnown: true }]);
});

test('[EN15] a write of which nobody told is found by the next heartbeat', async () => {
  const { clock, a, server } = createWorld();
  await clock.advance(1_000);
  a.store.write([{ c: 'notes', id: 'silent', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
  await clock.advance(6_000);
  expect(server.log).toHaveLength(1);
});

test('[EN9] duplicated server frames change nothing', async () => {
  const { clock, a, b, server } = createWorld();
  await clock.advance(1_000);
  a.write('once');
  await clock.advance(1_000);
  const entries = server.log.map((change, n) => ({ stamp: [server.sid, n + 1] as const, dot: change.dot, change }));
  const cursor = { [server.sid]: 1 };
  server.broadcast({ type: 'page', entries, cursor, head: cursor });
  server.broadcast({ type: 'pushed', known: { [incOf(server.log[0]!.dot)]: 1 } });
  server.broadcast({ type: 'pong', serverTime: 0 });
  await clock.advance(1_000);
  expect([a.store.log, b.store.log].map(dots)).toEqual([dots(server.log), dots(server.log)]);
  expect([a.network.connects, b.network.connects]).toEqual([1, 1]);
});

test('[EN10] a store that fails is named, left alone for a while and tried again', async () => {
  const clock = new TestClock();
  const server = new TestServer(() => clock.nowMs());
  const healthy = new TestDevice('x', clock, server).store;
  let isBroken = true;
  const opened: DeviceStore[] = [];
  const states: SyncState[] = [];
  const engine = createEngine({
    url: 'ws://test',
    session: { space: 'default', token: null, ...SESSION_TIMES },
    openStore: async () => {
      if (isBroken) throw new DOMException('full', 'QuotaExceededError');
      opened.push(healthy);
      return healthy;
    },
    transport: new TestNetwork(clock, server),
    clock,
    random: { fraction: () => 0.5 },
    onState: (state) => void states.push(state),
    onNews: () => undefined,
    onChanged: () => undefined,
    onAnswer: () => undefined,
  });
  engine.send({ type: 'start', paused: false });
  await clock.advance(10_000);
  expect(states.at(-1)).toMatchObject({ connection: 'stalled', reason: { code: 'QUOTA' } });
  isBroken = false;
  await clock.advance(30_000);
  expect(states.at(-1)?.connection).toBe('online');
  expect(opened).toHaveLength(1);
});

test('[EN11] stop ends the link, lets the running store call finish and closes the store', async () => {
  const { clock, a, b, server } = createWorld();
  await clock.advance(1_000);
  let isClosed = false;
  a.store.close = () => void (isClosed = true);
  b.write('last');
  await clock.advance(15);
  await a.engine.stop();
  expect(isClosed).toBe(true);
  const { length } = a.states;
  b.write('unheard');
  await clock.advance(60_000);
  expect(a.states).toHaveLength(length);
  expect(server.log).toHaveLength(2);
});

const fault = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('write' as const), device: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(1, 5, 15, 40, 700, 6_000, 40_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('weather' as const),
      device: fc.nat(1),
      weather: fc.constantFrom<Weather>('clear', 'refuse', 'black-hole', 'up-only', 'down-only', 'hold'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('cut' as const), device: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('shut-down' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('wake' as const), device: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pause' as const), device: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('skew' as const),
      device: fc.nat(1),
      ms: fc.constantFrom(-600_000, 0, 600_000),
    }),
  },
);

test('[EN12] whatever happened: 30 s after it heals the outbox is out, 60 s after it every change is everywhere, once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 40 }), fc.nat(), async (faults, seed) => {
      const { clock, server, a, b } = createWorld(seed);
      const written: string[] = [];
      for (const what of faults) {
        const device = 'device' in what && what.device === 1 ? b : a;
        if (what.type === 'write') written.push(device.write().dot);
        if (what.type === 'pass') await clock.advance(what.ms);
        if (what.type === 'weather') device.network.weather = what.weather;
        if (what.type === 'cut') device.network.cut();
        if (what.type === 'shut-down') server.shutDown();
        if (what.type === 'wake' || what.type === 'pause') device.engine.send({ type: what.type });
        if (what.type === 'skew') device.skewMs = what.ms;
      }
      for (const device of [a, b]) {
        device.network.weather = 'clear';
        device.engine.send({ type: 'resume' });
      }
      await clock.advance(30_000);
      expect(dots(server.log).sort()).toEqual([...written].sort());
      await clock.advance(30_000);
      for (const device of [a, b]) {
        expect(device.state).toMatchObject({ connection: 'online', inSync: true, reason: null });
        expect(device.store.log).toEqual(server.log);
        expect(device.store.outbox).toEqual([]);
        const own = dots(server.log).filter((dot) => dot.startsWith(device === a ? 'a' : 'b'));
        expect(own.map(seqOf)).toEqual(own.map((_, n) => n + 1));
      }
    }),
    { numRuns: 300 },
  );
});

/** Clocks that are wrong, jump and lie (C1 to C6 of the fault list): whole devices and a server, in virtual time. */
import { describe, expect, it } from 'vitest';

import { hlcAt, msOf } from '../core/clock.ts';
import type { Change } from '../core/change.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import { encodeMessage } from '../protocol/codec.ts';
import type { Page, ServerMessage } from '../protocol/messages.ts';
import type { SyncNews } from '../session/sync-state.ts';
import { emptyDisk, MemoryDevice } from '../store/memory-device.ts';
import { TestDevice } from './test-device.ts';
import { TestServer } from './test-server.ts';
import { Timeline } from './timeline.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const MINUTES = 60_000;
const SID = 'SSSSSSSSSSS';
const SCHEMAS = new Map([
  [
    'notes',
    compileCollection({
      name: 'notes',
      fields: { title: { kind: 'ask' }, pinned: { kind: 'lww' }, likes: { kind: 'counter' }, seen: { kind: 'hot' } },
      groups: [],
      onDeleteVsEdit: 'ask',
    }),
  ],
]);

interface World {
  readonly timeline: Timeline;
  readonly server: TestServer;
  /** A device and all that it announces. */
  open(name: string, skewMs?: number): TestDevice & { readonly news: SyncNews[] };
  wait(ms: number): void;
}

function world(): World {
  const timeline = new Timeline(NOW);
  const random = seededRandom(1);
  const server = new TestServer({ sid: SID, timeline, commitMs: () => 5 });
  return {
    timeline,
    server,
    open(name, skewMs = 0) {
      const news: SyncNews[] = [];
      const onNews = (one: SyncNews): void => void news.push(one);
      const options = { schemas: SCHEMAS, timeline, random, server, disk: emptyDisk(name), skewMs, onNews };
      return Object.assign(new TestDevice({ ...options, name }), { news });
    },
    wait: (ms) => void timeline.runUntil(timeline.nowMs + ms),
  };
}

function put(device: TestDevice, id: string, fields: Readonly<Record<string, string | number>>): void {
  const edit = (shown: object | undefined) => ({ ...shown, id, ...fields });
  device.store.write([[{ collection: 'notes', id, edit }]]);
  device.dispatch({ type: 'local-write' });
}

const stampsOf = (server: TestServer): readonly number[] => server.log.map(({ change }) => change.hlc);
const waiting = (device: TestDevice): number => device.store.disk.outbox.size;

function expectIncreasing(stamps: readonly number[]): void {
  expect(stamps.filter((stamp, i) => i > 0 && stamp <= stamps[i - 1]!)).toEqual([]);
}

/** Everybody has everything, nothing waits, and nobody is asked. */
function expectSettled(server: TestServer, ...devices: readonly TestDevice[]): void {
  for (const device of devices) {
    expect(waiting(device)).toBe(0);
    expect(device.store.disk.replica.cursor).toEqual({ [SID]: server.log.length });
    expect(device.store.disk.rows).toEqual(devices[0]!.store.disk.rows);
    expect(device.store.disk.conflicts.size).toBe(0);
  }
}

describe('C1: a device whose clock is wrong', () => {
  it.each([
    ['an hour ahead', HOUR],
    ['a year ahead', YEAR],
  ])('[CLC1] %s syncs all the same, says so, and is right from then on', (_, skewMs) => {
    const { server, open, wait } = world();
    const [wrong, right] = [open('wrong', skewMs), open('right')];
    for (const title of ['A', 'B', 'C']) put(wrong, 'n', { title });
    wait(MINUTES);
    expect(wrong.news.filter(({ type }) => type === 'restamped')).toMatchObject([{ changes: 3 }]);
    const restamped = wrong.news.find((news) => news.type === 'restamped')!;
    expect(Math.abs(restamped.offsetMs + skewMs)).toBeLessThan(1_000);
    put(wrong, 'n', { title: 'D' });
    wait(MINUTES);
    expectSettled(server, wrong, right);
    expectIncreasing(stampsOf(server));
    expect(Math.abs(msOf(stampsOf(server).at(-1)!) - (NOW + MINUTES))).toBeLessThan(2_000);
    expect(wrong.news.filter(({ type }) => type === 'restamped')).toHaveLength(1);
    expect(right.store.row('notes', 'n')).toMatchObject({ title: 'D' });
  });

  it.each([
    ['an hour behind', -HOUR],
    ['a year behind', -YEAR],
  ])('[CLC2] %s syncs without a correction, and stamps by the time of the server from then on', (_, skewMs) => {
    const { server, open, wait } = world();
    const [wrong, right] = [open('wrong', skewMs), open('right')];
    put(wrong, 'n', { title: 'A' });
    wait(MINUTES);
    put(wrong, 'n', { title: 'B', pinned: 'B' });
    wait(MINUTES);
    expectSettled(server, wrong, right);
    expectIncreasing(stampsOf(server));
    expect(Math.abs(msOf(stampsOf(server)[1]!) - (NOW + MINUTES))).toBeLessThan(2_500);
    expect(wrong.store.disk.replica.offsetMs).toBeCloseTo(-skewMs, -4);
  });
});

describe('C1: a device whose clock was wrong and is put right', () => {
  it.each([YEAR, -YEAR])(
    '[CLC10] by %d ms, before any server has told the time again: it follows what it applies',
    (skewMs) => {
      const { server, open, wait } = world();
      const [wrong, right] = [open('wrong', skewMs), open('right')];
      put(wrong, 'n', { title: 'A', seen: 1 });
      wait(MINUTES);
      wrong.skewMs = 0;
      put(right, 'n', { seen: 2 });
      wait(MINUTES);
      const { received, hlc } = wrong.store.disk.replica;
      expect(received).toBe(stampsOf(server).at(-1));
      expect(hlc).toBeGreaterThanOrEqual(received);
      put(wrong, 'n', { seen: 3 });
      expect(wrong.store.row('notes', 'n')).toMatchObject({ seen: 3 });
      wait(MINUTES);
      expectSettled(server, wrong, right);
      expect(right.store.row('notes', 'n')).toMatchObject({ seen: 3 });
    },
  );
});

describe('C2: a clock that jumps back', () => {
  it.each([HOUR, YEAR])('[CLC3] by %d ms, in the middle of a session and before a restart: stamps go on', (jumpMs) => {
    const { server, open, wait } = world();
    const [device, other] = [open('device'), open('other')];
    for (let i = 0; i < 30; i++) {
      if (i === 10) device.skewMs = -jumpMs;
      if (i === 20) {
        device.skewMs = -2 * jumpMs;
        device.restart();
      }
      put(device, 'n', { title: `t${i}`, pinned: i });
      expect(device.store.row('notes', 'n')).toMatchObject({ title: `t${i}` });
      wait(200);
    }
    wait(MINUTES);
    expectSettled(server, device, other);
    expectIncreasing(stampsOf(server));
    expect(other.store.row('notes', 'n')).toMatchObject({ title: 't29', pinned: 29 });
  });
});

describe('C3: a clock that strobes', () => {
  it('[CLC4] by 5 s every 100 ms: own edits stay in order, and each is read at once', () => {
    const { server, open, wait } = world();
    const [device, other] = [open('device'), open('other')];
    for (let i = 0; i < 200; i++) {
      device.skewMs = i % 2 === 0 ? 5_000 : -5_000;
      put(device, 'n', { title: `t${i}`, pinned: i, likes: i });
      expect(device.store.row('notes', 'n')).toMatchObject({ title: `t${i}`, pinned: i, likes: i });
      wait(100);
    }
    wait(MINUTES);
    expectSettled(server, device, other);
    expectIncreasing(stampsOf(server));
    expect(other.store.row('notes', 'n')).toMatchObject({ title: 't199', pinned: 199, likes: 199 });
  });
});

describe('C4: more writes than a millisecond has stamps', () => {
  it(
    '[CLC5] 70,000 changes in one millisecond are 70,000 stamps, in order, and a server takes them',
    { timeout: 60_000 },
    () => {
      const device = new MemoryDevice({
        schemas: SCHEMAS,
        user: { id: 'u' },
        nowMs: () => NOW,
        random: seededRandom(1),
        disk: emptyDisk('d'),
      });
      for (let i = 0; i < 70_000; i++) {
        device.write([[{ collection: 'notes', id: `n${i}`, row: { id: `n${i}`, title: 'A' } }]]);
      }
      const stamps = [...device.disk.outbox.values()].map((row) => row.head!.hlc);
      expect(stamps).toHaveLength(70_000);
      expectIncreasing(stamps);
      expect(msOf(stamps.at(-1)!)).toBe(NOW + 68);
    },
  );

  it('[CLC5] they are sent, and come to the others', () => {
    const { server, open, wait } = world();
    const [device, other] = [open('device'), open('other')];
    for (let i = 0; i < 2_500; i++) put(device, `n${i % 50}`, { title: `t${i}` });
    wait(5 * MINUTES);
    expectSettled(server, device, other);
    expect(server.log).toHaveLength(2_500);
    expect(new Set(stampsOf(server)).size).toBe(2_500);
    expect(device.news.filter(({ type }) => type === 'restamped')).toEqual([]);
  });
});

describe('C5: a server whose clock jumps', () => {
  it.each([HOUR, -HOUR, YEAR, -YEAR])('[CLC6] by %d ms and back: everybody goes on, nothing is dropped', (jumpMs) => {
    const { server, open, wait } = world();
    const devices = [open('anna'), open('ben')] as const;
    let written = 0;
    const everyoneWrites = (): void => {
      for (const device of devices)
        put(device, `${device.name}${written++ % 5}`, { title: `t${written}`, likes: written });
      wait(MINUTES);
      for (const device of devices) expect(waiting(device)).toBe(0);
    };
    everyoneWrites();
    server.skewMs = jumpMs;
    everyoneWrites();
    for (const device of devices) device.cutLink();
    everyoneWrites();
    server.skewMs = 0;
    // Also on the links that learned the wrong time.
    everyoneWrites();
    for (const device of devices) device.cutLink();
    for (let i = 0; i < 3; i++) everyoneWrites();
    expectSettled(server, ...devices);
    expect(server.log).toHaveLength(14);
    // The first round after the cut is written before the links are back and tell the time.
    const late = stampsOf(server).slice(-4);
    expect(late.every((stamp) => Math.abs(msOf(stamp) - (NOW + 6 * MINUTES)) < 3 * MINUTES)).toBe(true);
    // Each device that went along ahead was corrected once, not with every write.
    for (const { news } of devices)
      expect(news.filter(({ type }) => type === 'restamped').length).toBeLessThanOrEqual(2);
  });
});

describe('C5: a server whose clock goes back, and hot registers', () => {
  it.each([10 * MINUTES, HOUR, YEAR])('[CLC11] by %d ms: no write loses to what its writer saw', (backMs) => {
    const { server, open, wait } = world();
    const devices = [open('anna'), open('ben')] as const;
    let written = 0;
    const everyoneWrites = (times: number): void => {
      for (let i = 0; i < times; i++)
        for (const device of devices) {
          put(device, 'n', { seen: ++written });
          expect(device.store.row('notes', 'n')).toMatchObject({ seen: written });
          // Together with what comes meanwhile: of the last two of one device the later one stays.
          if (i === times - 1) wait(MINUTES);
        }
    };
    everyoneWrites(2);
    server.skewMs = -backMs;
    for (let round = 0; round < 4; round++) {
      everyoneWrites(1 + round);
      for (const device of devices) {
        expect(waiting(device)).toBe(0);
        expect(device.store.row('notes', 'n')).toMatchObject({ seen: written });
      }
    }
    expect(devices.some(({ news }) => news.some(({ type }) => type === 'restamped'))).toBe(true);
    expectSettled(server, ...devices);
  });
});

describe('C6: stamps of the far future', () => {
  const FAR = [hlcAt(Date.UTC(2240, 0)), Number.MAX_SAFE_INTEGER, hlcAt(NOW + 6 * MINUTES)];
  const change = (seq: number, hlc: number): Change => {
    const ops = [{ t: 'set', p: 'pinned', v: `forged ${seq}`, pred: [] } as const];
    return { dot: `FORGEDFORGEDFORG.${seq}`, hlc, recs: [{ c: 'notes', id: 'n', rv: [], ops }] };
  };

  it.each(FAR)(
    '[CLC7] a push stamped %d is refused by its dot; what stands before it is kept, and no clock moves',
    (hlc) => {
      const { server, open, wait } = world();
      const [anna, ben] = [open('anna'), open('ben')];
      put(anna, 'n', { title: 'A' });
      wait(MINUTES);
      const heard: string[] = [];
      const peer = server.connect({ send: (text) => void heard.push(text), close: () => undefined });
      const say = (message: Parameters<typeof encodeMessage>[0]): void => peer.receive(encodeMessage(message));
      say({ type: 'hello', protocol: 1, space: 'test', device: 'forger', cursor: {}, writers: [] });
      say({ type: 'push', changes: [change(1, hlcAt(NOW)), change(2, hlc), change(3, hlcAt(NOW))] });
      wait(5_000);
      const answers = heard.map((text) => JSON.parse(text) as ServerMessage);
      expect(answers.find((answer) => answer.type === 'pushed')).toMatchObject({
        known: { FORGEDFORGEDFORG: 1 },
        refused: { dot: 'FORGEDFORGEDFORG.2', code: 'CLOCK' },
      });
      peer.gone();
      for (const device of [anna, ben]) put(device, 'n', { pinned: device.name });
      wait(MINUTES);
      expect(server.log.map(({ change: { dot } }) => dot)).not.toContain('FORGEDFORGEDFORG.2');
      expect(server.log).toHaveLength(4);
      for (const device of [anna, ben]) expect(msOf(device.store.disk.replica.hlc)).toBeLessThan(NOW + 2 * MINUTES);
      expect(ben.store.row('notes', 'n')).toEqual(anna.store.row('notes', 'n'));
      expect(ben.store.row('notes', 'n')!['pinned']).not.toMatch('forged');
    },
  );

  it.each(FAR.slice(0, 2))(
    '[CLC8] a page stamped %d is applied, and the clock of the device stays where it was',
    (hlc) => {
      const { open } = world();
      const device = open('device').store;
      const page = (n: number, one: Change): Page => ({
        type: 'page',
        entries: [{ stamp: [SID, n], dot: one.dot, change: one }],
        cursor: { [SID]: n },
        head: { [SID]: n },
      });
      device.ingest(
        page(1, {
          ...change(1, hlc),
          recs: [
            {
              c: 'notes',
              id: 'n',
              rv: [],
              ops: [
                { t: 'life', v: 'live', pred: [] },
                { t: 'set', p: 'pinned', v: 'forged', pred: [] },
              ],
            },
          ],
        }),
        [SID],
      );
      expect(device.row('notes', 'n')).toMatchObject({ pinned: 'forged' });
      expect(device.disk.replica).toMatchObject({ received: 0, hlc: 0 });
      // An edit that has seen it wins, whatever it was stamped.
      device.write([[{ collection: 'notes', id: 'n', row: { id: 'n', pinned: 'mine' } }]]);
      const [item] = device.readOutbox(null, { changes: 1, bytes: 1e9 });
      expect(Math.abs(msOf(item!.change.hlc) - NOW)).toBeLessThan(1_000);
      expect(device.row('notes', 'n')).toMatchObject({ pinned: 'mine' });
      // A page that is refused does nothing at all.
      const before = device.disk.replica;
      expect(device.ingest(page(7, change(7, hlcAt(NOW + 1_000))), [SID])).toMatchObject({ type: 'out-of-step' });
      expect(device.disk.replica).toBe(before);
    },
  );

  it('[CLC9] a server that lies about the time costs a correction, and not the device', () => {
    const { server, open, wait } = world();
    const [anna, ben] = [open('anna'), open('ben')];
    server.skewMs = Date.UTC(9999, 0) - NOW;
    for (const device of [anna, ben]) device.cutLink();
    wait(MINUTES);
    for (const title of ['A', 'B']) put(anna, 'n', { title, pinned: title });
    wait(MINUTES);
    expect(stampsOf(server).every((stamp) => Number.isSafeInteger(stamp) && msOf(stamp) > Date.UTC(2200, 0))).toBe(
      true,
    );
    server.skewMs = 0;
    for (const device of [anna, ben]) device.cutLink();
    wait(MINUTES);
    for (const [i, device] of [anna, ben, anna, ben].entries()) {
      put(device, 'n', { title: `C${i}`, pinned: i });
      wait(MINUTES);
    }
    expectSettled(server, anna, ben);
    expect(anna.store.row('notes', 'n')).toMatchObject({ title: 'C3', pinned: 3 });
    expect(msOf(stampsOf(server).at(-1)!)).toBeLessThan(NOW + 10 * MINUTES);
    for (const { news } of [anna, ben])
      expect(news.filter(({ type }) => type === 'restamped').length).toBeLessThanOrEqual(1);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Change } from '../core/change.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { decodeDeviceMessage, decodeServerMessage, encodeMessage, encodePage, type StoredEntry } from './codec.ts';
import { MAX_FRAME_DEPTH } from './frame-text.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { DeviceMessage, LogEntry, ServerMessage } from './messages.ts';

const INC = 'AAAAAAAAAAAAAAAA';
const SID = 'SSSSSSSSSSS';
const CHANGE: Change = {
  dot: `${INC}.1`,
  hlc: 1,
  recs: [{ c: 'notes', id: 'n', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }],
};
const HELLO = { type: 'hello', protocol: 1, space: 's', device: 'd', cursor: { [SID]: 3 }, writers: [INC] } as const;

const DEVICE: readonly DeviceMessage[] = [
  HELLO,
  { ...HELLO, token: 'secret' },
  { type: 'push', changes: [CHANGE] },
  {
    ...HELLO,
    chain: { [SID]: 'c'.repeat(22) },
    wantsSnapshot: true,
    resume: { id: 'snapshot', next: 2 },
    peer: SID,
  },
  { type: 'applied', cursor: { [SID]: 3 } },
  { type: 'staged', id: 'snapshot', piece: 0 },
  { type: 'ping' },
];
const SERVER: readonly ServerMessage[] = [
  {
    type: 'welcome',
    protocol: 1,
    sid: SID,
    cursor: { [SID]: 9 },
    known: { [INC]: 2 },
    serverTime: 5,
    founders: [SID],
    limits: { frameBytes: 1, changeBytes: 2, changesPerPush: 3, heartbeatMs: 4 },
  },
  { type: 'pushed', known: { [INC]: 2 } },
  { type: 'pushed', known: {}, refused: { dot: `${INC}.1`, code: 'CLOCK', message: 'm', serverTime: 5 } },
  {
    type: 'page',
    entries: [
      { stamp: [SID, 1], dot: `${INC}.1`, change: CHANGE },
      { stamp: [SID, 2], dot: `${INC}.2` },
    ],
    cursor: { [SID]: 2 },
    head: { [SID]: 4 },
  },
  {
    type: 'page',
    entries: [
      { stamp: [SID, 1], dot: `${INC}.1`, alias: true },
      { stamp: [SID, 2], control: { t: 'pub', knows: { [SID]: 1 }, horizon: {}, safe: {} } },
      { stamp: [SID, 3], control: { t: 'member', sid: SID } },
      { stamp: [SID, 4], control: { t: 'evict', sid: SID, final: 0 } },
    ],
    cursor: { [SID]: 4 },
    head: { [SID]: 4 },
    chain: { [SID]: 'c'.repeat(22) },
    digest: '0'.repeat(32),
  },
  {
    type: 'snapshot',
    id: 'snapshot',
    piece: 0,
    records: [
      {
        c: 'notes',
        id: 'n',
        state: {
          marks: [[`${INC}.1`, 1]],
          rv: [0],
          life: [{ m: 0, v: 'dead', stamp: [SID, 1] }],
          cells: { title: [{ m: 0, v: 'x' }] },
          counters: { 'likes#c': 2 },
        },
      },
    ],
    writers: [{ inc: INC, device: { id: 'd' } }],
    recent: [{ stamp: [SID, 1], dot: `${INC}.1`, change: CHANGE }],
  },
  { type: 'pong', serverTime: 5 },
  { type: 'error', code: 'BAD_FRAME', message: 'm' },
];

const OPTIONAL = new Set(['token', 'refused', 'chain', 'wantsSnapshot', 'resume', 'peer', 'digest', 'bootstrap']);

/** What a server has in its storage of an entry. */
function storedFrom(entry: LogEntry, i: number): StoredEntry {
  const { stamp } = entry;
  const lsn = i + 1;
  if ('control' in entry) return { lsn, stamp, kind: 'control', dot: null, text: JSON.stringify(entry.control) };
  if ('alias' in entry) return { lsn, stamp, kind: 'alias', dot: entry.dot, text: null };
  return { lsn, stamp, kind: 'change', dot: entry.dot, text: entry.change ? JSON.stringify(entry.change) : null };
}

const fromDevice = (value: unknown, limits = {}) =>
  decodeDeviceMessage(typeof value === 'string' ? value : JSON.stringify(value), { ...DEFAULT_LIMITS, ...limits });
const fromServer = (value: unknown) =>
  decodeServerMessage(typeof value === 'string' ? value : JSON.stringify(value), DEFAULT_LIMITS);

describe('codec', { timeout: 30_000 }, () => {
  it.each(['\\udc00', 'x'.repeat(100_000), '\\u0000', '\\ud83d\\ude00'.repeat(200) + 'x'])(
    '[COD3] what is said of a frame with the member %j can itself be said in a frame',
    (name) => {
      const bad = decodeDeviceMessage(`{"type":"ping","${name}":{"a":"\\ud800"}}`, DEFAULT_LIMITS);
      if (bad.type !== 'bad') throw new Error('it should be refused');
      expect(bad.reason.length).toBeLessThan(400);
      const told = encodeMessage({ type: 'error', code: bad.code, message: bad.reason });
      expect(decodeServerMessage(told, DEFAULT_LIMITS).type).toBe('ok');
    },
  );

  it.each(DEVICE.map((message) => [message.type, message] as const))(
    '[COD1] %s comes back as it was sent',
    (_, message) => {
      expect(fromDevice(encodeMessage(message))).toEqual({ type: 'ok', message });
      expect(fromServer(encodeMessage(message))).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
    },
  );

  it.each(SERVER.map((message) => [message.type, message] as const))(
    '[COD1] %s comes back as it was sent',
    (_, message) => {
      expect(fromServer(encodeMessage(message))).toEqual({ type: 'ok', message });
      expect(fromDevice(encodeMessage(message))).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
    },
  );

  it('[COD2] every required field of every frame is needed, and none may be null', () => {
    for (const message of [...DEVICE, ...SERVER]) {
      const decode = DEVICE.includes(message as DeviceMessage) ? fromDevice : fromServer;
      for (const key of Object.keys(message).filter((name) => !OPTIONAL.has(name))) {
        const { [key as keyof typeof message]: _, ...rest } = message;
        expect([key, decode(rest).type]).toEqual([key, 'bad']);
        expect([key, decode({ ...message, [key]: null }).type]).toEqual([key, 'bad']);
      }
    }
  });

  it.each<[string, unknown, ErrorCode]>([
    ['no JSON', '{"type":', 'BAD_FRAME'],
    ['nothing', '', 'BAD_FRAME'],
    ['JSON that is no object', '[]', 'BAD_FRAME'],
    ['null', 'null', 'BAD_FRAME'],
    ['no type', '{}', 'BAD_FRAME'],
    ['an unknown type', { type: 'subscribe' }, 'BAD_FRAME'],
    ['the type toString', { type: 'toString' }, 'BAD_FRAME'],
    ['a key __proto__', '{"type":"ping","__proto__":{"polluted":1}}', 'BAD_FRAME'],
    ['a space __proto__', { ...HELLO, space: '__proto__' }, 'BAD_FRAME'],
    [
      'a space with a lone surrogate',
      '{"type":"hello","protocol":1,"space":"\\ud800","device":"d","cursor":{},"writers":[]}',
      'BAD_FRAME',
    ],
    ['a cursor of -1', { ...HELLO, cursor: { [SID]: -1 } }, 'BAD_FRAME'],
    ['a cursor of 2^63', { ...HELLO, cursor: { [SID]: 2 ** 63 } }, 'BAD_FRAME'],
    ['a cursor of text', { ...HELLO, cursor: { [SID]: "'; drop table log" } }, 'BAD_FRAME'],
    ['a writer that is none', { ...HELLO, writers: ['x'] }, 'BAD_FRAME'],
    ['a protocol as text', { ...HELLO, protocol: '1' }, 'BAD_FRAME'],
    ['another protocol', { ...HELLO, protocol: 2 }, 'UPGRADE_REQUIRED'],
    ['another protocol of another form', { type: 'hello', protocol: 9, who: [] }, 'UPGRADE_REQUIRED'],
    ['a push of nothing', { type: 'push', changes: [] }, 'BAD_FRAME'],
    ['a push of no changes', { type: 'push', changes: ['x'] }, 'BAD_FRAME'],
    ['a change without a dot', { type: 'push', changes: [{ hlc: 1 }] }, 'BAD_FRAME'],
    ['more changes than allowed', { type: 'push', changes: Array.from({ length: 1_001 }, () => CHANGE) }, 'TOO_LARGE'],
    ['a frame that is too large', JSON.stringify({ type: 'ping', pad: 'x'.repeat(1_048_576) }), 'TOO_LARGE'],
    ['a frame too large in UTF-8 only', JSON.stringify({ type: 'ping', pad: 'ü'.repeat(600_000) }), 'TOO_LARGE'],
    ['a million levels', '['.repeat(1_000_000), 'BAD_FRAME'],
  ])('[COD3] %s is a bad frame with a code', (_, value, code) => {
    expect(fromDevice(value)).toMatchObject({ type: 'bad', code });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('[COD4] nesting is measured outside of strings and without parsing', () => {
    const deep = (levels: number): string => `{"type":"ping","x":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(fromDevice(deep(MAX_FRAME_DEPTH))).toMatchObject({ reason: expect.stringContaining('nested deeper') });
    expect(fromDevice(deep(64))).toMatchObject({ type: 'ok' });
    expect(fromDevice({ type: 'ping', x: '[{'.repeat(500) + '\\"[[' })).toMatchObject({ type: 'ok' });
  });

  it('[COD5] a bad change in a push is not a bad frame: it is refused by its dot', () => {
    expect(fromDevice({ type: 'push', changes: [{ dot: `${INC}.1`, hlc: 'x' }] })).toMatchObject({ type: 'ok' });
  });

  it('[COD6] a device checks every change of a page', () => {
    const page = (entry: object) => ({
      type: 'page',
      entries: [{ stamp: [SID, 1], dot: `${INC}.1`, ...entry }],
      cursor: {},
      head: {},
    });
    expect(fromServer(page({ change: CHANGE }))).toMatchObject({ type: 'ok' });
    expect(fromServer(page({ change: { ...CHANGE, hlc: -1 } }))).toMatchObject({ type: 'bad' });
    expect(fromServer(page({ change: { ...CHANGE, dot: `${INC}.2` } }))).toMatchObject({ type: 'bad' });
    expect(fromServer(page({ change: { ...CHANGE, recs: [...CHANGE.recs, ...CHANGE.recs] } }))).toMatchObject({
      type: 'bad',
    });
    expect(fromServer(page({ stamp: [SID, 0] }))).toMatchObject({ type: 'bad' });
    expect(fromServer(page({ stamp: [SID] }))).toMatchObject({ type: 'bad' });
  });

  it('[COD7] a code that this version does not know is read as INTERNAL', () => {
    expect(fromServer({ type: 'error', code: 'LATER', message: 'm' })).toMatchObject({ message: { code: 'INTERNAL' } });
    const refused = { dot: `${INC}.1`, code: 'toString', message: 'm', serverTime: 1 };
    expect(fromServer({ type: 'pushed', known: {}, refused })).toMatchObject({
      message: { refused: { code: 'INTERNAL' } },
    });
  });

  it('[COD8] a page written from stored text is the page written from data', () => {
    for (const page of SERVER.filter((message) => message.type === 'page')) {
      const { type: _type, entries, ...place } = page;
      expect(encodePage(entries.map(storedFrom), place)).toBe(encodeMessage(page));
      expect(encodePage([], place)).toBe(encodeMessage({ ...page, entries: [] }));
    }
  });

  it('[COD9] no text makes a decoder throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json({ maxDepth: 3 })), (text) => {
        expect(['ok', 'bad']).toContain(fromDevice(text).type);
        expect(['ok', 'bad']).toContain(fromServer(text).type);
      }),
    );
  });

  it('[COD9] no damaged frame makes a decoder throw', () => {
    const frame = fc.constantFrom(...[...DEVICE, ...SERVER].map(encodeMessage));
    fc.assert(
      fc.property(frame, fc.nat(), fc.nat(8), fc.string(), (text, at, length, insert) => {
        const start = at % text.length;
        const damaged = text.slice(0, start) + insert + text.slice(start + length);
        expect(['ok', 'bad']).toContain(fromDevice(damaged).type);
        expect(['ok', 'bad']).toContain(fromServer(damaged).type);
      }),
    );
  });
});

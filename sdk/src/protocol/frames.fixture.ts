/** One frame of every kind with all of its fields, and one with what only a newer version would write. */
import type { Change } from '../core/change.ts';
import { PROTOCOL_VERSION, type DeviceMessage, type ServerMessage } from './messages.ts';

const INC = 'AZoBc3l2Tm9ydGhz';
const OTHER = 'BZoBd0xhcHRvcEJl';
const SID = 'Kq3vXw8-b1M';
const STAMP = 1_838_255_514_100_736;

export const CHANGE: Change = {
  dot: `${INC}.1`,
  hlc: STAMP,
  deps: { [SID]: 41 },
  ex: [`${OTHER}.3`],
  kind: 'resolve',
  label: 'rename',
  writer: { user: { id: 'u-anna', name: 'Anna' }, device: { id: 'd-7f3a', name: "Anna's laptop" } },
  recs: [
    {
      c: 'notes',
      id: 'n-1',
      rv: [`${OTHER}.2`],
      ops: [
        { t: 'life', v: 'live', pred: [] },
        { t: 'set', p: 'title', v: 'Zwölf \u{1f984}', pred: [`${OTHER}.2`], base: { hlc: 5, v: null }, first: 4 },
        { t: 'set', p: 'end+room+start', v: { end: 2, room: 'A', start: 1.5 }, pred: [] },
        { t: 'set', p: 'gone', pred: [`${OTHER}.1`] },
        { t: 'add', p: 'tags/"red"', pred: [] },
        { t: 'rm', p: 'tags/["a",1]', pred: [`${OTHER}.2`] },
        { t: 'inc', p: 'likes#c', n: -3 },
      ],
    },
    { c: 'events', id: 'e-1', rv: [], ops: [{ t: 'life', v: 'dead', pred: [`${OTHER}.1`] }] },
  ],
};

/** Unknown keys at every level, a collection, forms of paths and kinds of writes that this version does not have. */
export const NEWER_CHANGE = {
  dot: `${OTHER}.1`,
  hlc: STAMP,
  kind: 'recover',
  schema: { version: 7, tags: ['z', 'a'] },
  writer: { device: { id: 'd', model: { name: 'x' } }, role: 'editor' },
  recs: [
    {
      c: 'notes',
      id: 'n-1',
      rv: [],
      gen: 2,
      ops: [
        { t: 'life', v: 'live', pred: [], why: 'import' },
        {
          t: 'set',
          p: 'title',
          v: { z: 1, a: ['\u2028', 1e21, -0.5] },
          pred: [],
          lang: 'de',
          base: { hlc: 1, from: 'x' },
        },
        { t: 'set', p: 'body#y', v: 'a path of another form', pred: [], clock: [1, 2] },
        { t: 'add', p: 'tags/"red"', pred: [], colour: { r: 255 } },
        { t: 'inc', p: 'likes#c', n: 2, by: 'u-anna' },
      ],
    },
    { c: 'drawings', id: 'd-1', rv: [], ops: [{ t: 'set', p: 'shape', v: [1, 2], pred: [] }] },
  ],
} as unknown as Change;

/** What a device of today cannot apply. */
export const PAINT_CHANGE = {
  dot: `${OTHER}.2`,
  hlc: STAMP + 1,
  recs: [{ c: 'notes', id: 'n-1', rv: [`${OTHER}.1`], ops: [{ t: 'paint', p: 'title', ink: { blue: true } }] }],
} as unknown as Change;

const CHAIN = 'klaWY5Dq9PBNo3Wz3H3yRQ';
const SNAPSHOT = 'Kq3vXw8-b1M-0-1';
const HELLO = { type: 'hello', protocol: PROTOCOL_VERSION, space: 'default', device: 'd-7f3a' } as const;

export const DEVICE_FRAMES: Readonly<Record<string, DeviceMessage>> = {
  hello: { ...HELLO, cursor: { [SID]: 41 }, writers: [INC], token: 'opaque', deflate: true },
  'hello-again': {
    ...HELLO,
    cursor: { [SID]: 41 },
    writers: [INC],
    chain: { [SID]: CHAIN },
    wantsSnapshot: true,
    resume: { id: SNAPSHOT, next: 2 },
  },
  'hello-peer': { ...HELLO, cursor: { [SID]: 41 }, writers: [], peer: 'Vv0aLmQ2x9c' },
  'hello-first': { ...HELLO, cursor: {}, writers: [] },
  push: { type: 'push', changes: [CHANGE] },
  'push-newer': { type: 'push', changes: [NEWER_CHANGE, PAINT_CHANGE] },
  applied: { type: 'applied', cursor: { [SID]: 43 } },
  staged: { type: 'staged', id: SNAPSHOT, piece: 0 },
  ping: { type: 'ping' },
};

const { deps: _deps, ex: _ex, ...STORED } = CHANGE;
const limits = { frameBytes: 1_048_576, changeBytes: 786_432, changesPerPush: 500, heartbeatMs: 5_000 };
const refused = { dot: `${INC}.2`, code: 'CLOCK', message: 'ahead', serverTime: 1_795_171_400_489 } as const;

export const SERVER_FRAMES: Readonly<Record<string, ServerMessage>> = {
  welcome: {
    type: 'welcome',
    protocol: PROTOCOL_VERSION,
    sid: SID,
    cursor: { [SID]: 42 },
    known: { [INC]: 0 },
    founders: ['Kq3vXw8-b1M'],
    serverTime: 1_795_171_400_489,
    limits,
    deflate: true,
  },
  'welcome-snapshot': {
    type: 'welcome',
    protocol: PROTOCOL_VERSION,
    sid: SID,
    cursor: { [SID]: 42 },
    known: { [INC]: 0 },
    founders: [SID],
    serverTime: 1_795_171_400_489,
    bootstrap: {
      id: SNAPSHOT,
      why: 'truncated',
      cursor: { [SID]: 42 },
      chain: { [SID]: CHAIN },
      topology: { members: { [SID]: { knows: {}, horizon: { [SID]: 12 }, safe: {} } }, evicted: { Vv0aLmQ2x9c: 7 } },
      digest: '0'.repeat(32),
      known: { [INC]: 0 },
      pieces: 1,
      records: 1,
      from: 0,
    },
    limits,
  },
  snapshot: {
    type: 'snapshot',
    id: SNAPSHOT,
    piece: 0,
    records: [
      {
        c: 'notes',
        id: 'n-1',
        state: {
          marks: [
            [`${OTHER}.1`, STAMP],
            [`${INC}.1`, STAMP + 1],
          ],
          rv: [0, 1],
          life: [{ m: 0, v: 'dead', stamp: [SID, 41] }],
          cells: {
            title: [{ m: 0, v: 'a', base: { hlc: STAMP, v: '' }, first: STAMP, more: { clock: [1, 2] } }, { m: 1 }],
            'tags/"red"': [{ m: 0 }],
            seat: [{ m: 1, v: 4, stamps: [[SID, 41]] }],
          },
          counters: { 'likes#c': -2 },
          hot: { 'seen#h': { m: 1, v: 7, over: STAMP + 9 } },
        },
      },
    ],
    writers: [{ inc: INC, device: { id: 'd-7f3a' } }],
    recent: [{ stamp: [SID, 42], dot: STORED.dot, change: STORED }],
  },
  pushed: { type: 'pushed', known: { [INC]: 1 } },
  'pushed-gone': {
    type: 'pushed',
    known: { [INC]: 1 },
    refused: { ...refused, code: 'GONE', record: { c: 'notes', id: 'n-1' } },
  },
  'pushed-refused': { type: 'pushed', known: { [INC]: 1 }, refused },
  page: {
    type: 'page',
    entries: [
      { stamp: [SID, 42], dot: STORED.dot, change: STORED },
      { stamp: [SID, 43], dot: `${INC}.2` },
      { stamp: [SID, 44], dot: `${INC}.3`, hlc: STAMP + 5 },
    ],
    cursor: { [SID]: 44 },
    head: { [SID]: 50 },
  },
  'page-servers': {
    type: 'page',
    entries: [
      { stamp: ['Vv0aLmQ2x9c', 7], dot: STORED.dot, alias: true },
      { stamp: ['Vv0aLmQ2x9c', 8], control: { t: 'pub', knows: { [SID]: 44 }, horizon: {}, safe: { [SID]: 40 } } },
      { stamp: ['Vv0aLmQ2x9c', 9], control: { t: 'member', sid: 'Ww0aLmQ2x9c' } },
      { stamp: ['Vv0aLmQ2x9c', 10], control: { t: 'evict', sid: 'Ww0aLmQ2x9c', final: 3 } },
    ],
    cursor: { [SID]: 44, Vv0aLmQ2x9c: 10 },
    head: { [SID]: 50, Vv0aLmQ2x9c: 10 },
    chain: { Vv0aLmQ2x9c: CHAIN },
    digest: '0'.repeat(32),
  },
  'page-newer': {
    type: 'page',
    entries: [
      { stamp: [SID, 1], dot: NEWER_CHANGE.dot, change: NEWER_CHANGE },
      { stamp: [SID, 2], dot: PAINT_CHANGE.dot, change: PAINT_CHANGE },
    ],
    cursor: { [SID]: 2 },
    head: { [SID]: 2 },
  },
  pong: { type: 'pong', serverTime: 1_795_171_400_489 },
  error: { type: 'error', code: 'OUT_OF_ORDER', message: 'a push while another is not answered' },
};

import { describe, expect, test } from 'vitest';

import type { Snapshot } from '../protocol/messages.ts';
import { REPAIR_EVERY_MS } from './link.ts';
import {
  bootstrap,
  identity,
  INC,
  ingested,
  item,
  page,
  piece,
  pushed,
  SessionRunner,
  SID,
  welcome,
} from './session.fixture.ts';

const session = (): SessionRunner => new SessionRunner();

/** On a live link, with a snapshot of three pieces announced. */
function arriving(): SessionRunner {
  return session()
    .greet(identity({ cursor: { [SID]: 2 } }))
    .hear(welcome({ cursor: { [SID]: 9 }, bootstrap: bootstrap(3) }));
}

function stage(s: SessionRunner, frame: Snapshot): SessionRunner {
  return s.hear(frame).link({ type: 'snapshot-ingested', result: { type: 'staged' } });
}

const switched = ingested({ [SID]: 9 }, { touched: { notes: ['a', 'b'] }, applied: 7 });

describe('a snapshot', () => {
  test('[SE80] each piece is told as kept when it is; only behind the last one anything is pushed, from the head', () => {
    const s = arriving();
    expect(s.of('load-outbox')).toEqual([]);
    for (const n of [0, 1]) {
      s.hear(piece(n));
      expect(s.of('ingest-snapshot')).toMatchObject([{ bootstrap: { id: 's1' }, piece: { piece: n } }]);
      expect(s.sent()).toEqual([]);
      s.link({ type: 'snapshot-ingested', result: { type: 'staged' } });
      expect(s.sent()).toEqual([{ type: 'staged', id: 's1', piece: n }]);
      for (const hint of [{ type: 'local-write' }, { type: 'wake' }] as const)
        expect(s.do(hint).of('load-outbox')).toEqual([]);
    }
    s.hear(piece(2)).link({ type: 'snapshot-ingested', result: switched });
    expect(s.sent()).toEqual([{ type: 'staged', id: 's1', piece: 2 }]);
    expect(s.of('load-outbox')).toMatchObject([{ after: null }]);
    s.link({ type: 'outbox-loaded', items: [item(1)] });
    expect(s.sent()).toEqual([{ type: 'push', changes: [item(1).change] }]);
  });

  test('[SE73] a piece that comes twice is told under its own number, and those behind it under theirs', () => {
    const s = arriving();
    for (const n of [0, 0, 1]) stage(s, piece(n));
    expect(s.state.link!.bootstrap).toMatchObject({ next: 2 });
    const staged = s.all.flatMap((effect) =>
      effect.type === 'send' && effect.message.type === 'staged' ? [effect.message.piece] : [],
    );
    expect(staged).toEqual([0, 0, 1]);
  });

  test('[SE80] pieces and the pages behind them are taken in one after the other', () => {
    const s = arriving();
    for (const n of [0, 1, 2]) s.hear(piece(n));
    s.hear(page(10));
    expect(s.all.filter(({ type }) => type === 'ingest-snapshot')).toHaveLength(1);
    for (let n = 0; n < 2; n++) s.link({ type: 'snapshot-ingested', result: { type: 'staged' } });
    expect(s.all.some(({ type }) => type === 'ingest')).toBe(false);
    s.link({ type: 'snapshot-ingested', result: switched });
    expect(s.of('ingest')).toMatchObject([{ page: { cursor: { [SID]: 10 } }, founders: [SID] }]);
  });

  test('[SE81] the status counts its records, and is not in sync before its end', () => {
    const s = arriving();
    expect(s.shown).toMatchObject({ inSync: false, progress: { direction: 'pull', done: 0, total: 300 } });
    stage(s, piece(0));
    expect(s.shown.progress).toEqual({ direction: 'pull', done: 100, total: 300 });
    stage(s, piece(1)).hear(piece(2)).link({ type: 'snapshot-ingested', result: switched });
    expect(s.of('announce')).toMatchObject([
      { news: { type: 'pulled', changes: 7, records: 2 } },
      { news: { type: 'applied', dots: [] } },
    ]);
    s.link({ type: 'outbox-loaded', items: [] });
    expect(s.shown).toMatchObject({ inSync: true, progress: null, firstSync: 'done' });
  });

  test('[SE81] a device that has nothing yet has not synced before the end of its first snapshot', () => {
    const s = session()
      .greet(identity({ writers: [] }))
      .hear(welcome({ cursor: { [SID]: 9 }, bootstrap: bootstrap(1) }));
    expect(s.shown.firstSync).toBe('running');
    s.hear(piece(0)).link({ type: 'snapshot-ingested', result: switched }).link({ type: 'outbox-loaded', items: [] });
    expect(s.shown.firstSync).toBe('done');
  });

  test('[SE82] hello says what the device holds: chain, an unfinished snapshot, every writer it may offer again', () => {
    const other = 'BBBBBBBBBBBBBBBB';
    const s = session().greet(
      identity({ cursor: { [SID]: 2 }, chain: { [SID]: 'x' }, heard: [INC, other], resume: { id: 's1', next: 2 } }),
    );
    expect(s.sent()).toMatchObject([
      { type: 'hello', chain: { [SID]: 'x' }, writers: [INC, other], resume: { id: 's1', next: 2 } },
    ]);
    expect(s.sent()[0]).not.toHaveProperty('wantsSnapshot');
    s.hear(welcome({ cursor: { [SID]: 2 }, known: { [INC]: 0, [other]: 4 } }));
    expect(s.shown.acceptedThrough).toEqual({ [INC]: 0 });
  });

  test('[SE82] resumed, it goes on with the piece that is missing', () => {
    const s = session()
      .greet(identity({ resume: { id: 's1', next: 2 } }))
      .hear(welcome({ bootstrap: { ...bootstrap(3), from: 2 } }));
    expect(s.shown.progress).toEqual({ direction: 'pull', done: 200, total: 300 });
    s.hear(piece(2)).link({ type: 'snapshot-ingested', result: switched });
    expect(s.sent()).toEqual([{ type: 'staged', id: 's1', piece: 2 }]);
  });

  test('[SE83] a piece of another snapshot, one before the welcome, and one that does not fit end the connection', () => {
    expect(arriving().hear({ ...piece(0), id: 's2' }).shown.reason?.code).toBe('OUT_OF_ORDER');
    expect(session().live().hear(piece(0)).shown.reason?.code).toBe('OUT_OF_ORDER');
    expect(session().greet().hear(piece(0)).shown.reason?.code).toBe('OUT_OF_ORDER');
    const s = arriving().hear(piece(0));
    s.link({ type: 'snapshot-ingested', result: { type: 'out-of-step', reason: 'moved on' } });
    expect(s.shown).toMatchObject({ connection: 'backoff', reason: { code: 'OUT_OF_ORDER', message: 'moved on' } });
  });

  test('[SE52] a link on which a piece may be on its way is kept as one on which a page may be', () => {
    const s = arriving().do({ type: 'timer-fired', timer: 'silence' });
    s.do({ type: 'wake' })
      .greet(identity({ cursor: { [SID]: 9 } }))
      .hear(welcome({ cursor: { [SID]: 9 }, bootstrap: bootstrap(3) }))
      .do({ type: 'timer-fired', timer: 'silence' });
    expect(s.state.phase).toBe('live');
    expect(s.shown.connection).toBe('offline');
  });

  test('[SE85] a server that lags answers BEHIND instead of a welcome: the device asks again, shown as backoff', () => {
    const s = session().greet().hear({ type: 'error', code: 'BEHIND', message: 'later' });
    expect(s.shown).toMatchObject({ connection: 'backoff', reason: { code: 'BEHIND' } });
    expect(s.state.nextAttemptAt).toBeLessThan(s.nowMs + 1_000);
  });
});

describe('a device that differs from the log', () => {
  const diverged = ingested({ [SID]: 1 }, { isDiverged: true });
  const reconnect = (s: SessionRunner): SessionRunner =>
    s.do({ type: 'wake' }).greet(identity({ cursor: { [SID]: 1 }, isDiverged: true }));

  test('[SE84] tells it, connects anew and asks for a snapshot', () => {
    const s = session().live().hear(page(1)).link({ type: 'page-ingested', result: diverged });
    expect(s.of('announce').map(({ news }) => news.type)).toEqual(['pulled', 'diverged', 'connection']);
    expect(s.shown).toMatchObject({ connection: 'backoff', reason: { code: 'DIVERGED' } });
    expect(reconnect(s).sent()).toMatchObject([{ type: 'hello', wantsSnapshot: true }]);
    s.hear(welcome({ bootstrap: { ...bootstrap(1), why: 'asked' } })).hear(piece(0));
    s.link({ type: 'snapshot-ingested', result: ingested({ [SID]: 1 }, { discarded: 2 }) });
    expect(s.of('announce').map(({ news }) => news)).toContainEqual({ at: s.nowMs, type: 'repaired', records: 2 });
  });

  test('[SE84] a repair that does not help is tried every ten minutes, not again and again', () => {
    const s = session().live().hear(page(1)).link({ type: 'page-ingested', result: diverged });
    reconnect(s)
      .hear(welcome({ cursor: { [SID]: 1 } }))
      .link({ type: 'outbox-loaded', items: [] });
    s.hear(page(2)).link({ type: 'page-ingested', result: { ...diverged, cursor: { [SID]: 2 } } });
    expect(s.state.phase).toBe('live');
    expect(s.of('announce').map(({ news }) => news.type)).toEqual(['pulled']);
    s.link({ type: 'transport-closed', code: 1006, reason: '' });
    expect(reconnect(s).sent()[0]).not.toHaveProperty('wantsSnapshot');
    s.hear(welcome({ cursor: { [SID]: 2 } }));
    s.nowMs += REPAIR_EVERY_MS;
    s.hear(page(3)).link({ type: 'page-ingested', result: { ...diverged, cursor: { [SID]: 3 } } });
    expect(s.state.phase).toBe('backoff');
    expect(reconnect(s).sent()).toMatchObject([{ wantsSnapshot: true }]);
  });

  test('[SE84] a repair that was cut is gone on with', () => {
    const s = session().live().hear(page(1)).link({ type: 'page-ingested', result: diverged });
    reconnect(s).link({ type: 'transport-closed', code: 1006, reason: '' });
    s.do({ type: 'wake' }).greet(identity({ isDiverged: true, resume: { id: 's1', next: 1 } }));
    expect(s.sent()).toMatchObject([{ wantsSnapshot: true, resume: { id: 's1', next: 1 } }]);
  });
});

describe('a server that pulls from another one', () => {
  const peer = (): SessionRunner => new SessionRunner({ peer: 'server-0001' });
  const none = identity({ deviceId: 'server-0001', writers: [] });

  test('[SE86] says who it is, takes pages, and has nothing to push', () => {
    const s = peer().greet(none);
    expect(s.sent()).toMatchObject([{ type: 'hello', peer: 'server-0001', writers: [] }]);
    s.hear(welcome({ cursor: { [SID]: 1 } }))
      .hear(page(1))
      .link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    s.do({ type: 'local-write' }).do({ type: 'wake' }).do({ type: 'timer-fired', timer: 'heartbeat' });
    expect(s.shown.inSync).toBe(true);
    expect(s.all.some(({ type }) => type === 'load-outbox')).toBe(false);
  });

  test('[SE86] does not take a snapshot for a log', () => {
    const s = peer()
      .greet(none)
      .hear(welcome({ bootstrap: bootstrap(1) }));
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'BEHIND' } });
  });
});

test('[SE80] an answer to a push of before does not count while a snapshot arrives', () => {
  const s = arriving().hear(pushed(1));
  expect(s.of('load-outbox')).toEqual([]);
});

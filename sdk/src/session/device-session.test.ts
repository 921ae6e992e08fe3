import { describe, expect, test } from 'vitest';

import { CLOSE } from '../protocol/messages.ts';
import type { TakeBackResult } from '../store/device-store.ts';
import {
  identity,
  INC,
  ingested,
  item,
  page,
  pushed,
  refusal,
  SessionRunner,
  SID,
  welcome,
} from './session.fixture.ts';

const session = (): SessionRunner => new SessionRunner();

describe('connecting', () => {
  test('[SE1] reads its identity before every attempt and says hello first', () => {
    const s = session().do({ type: 'start', paused: false });
    expect(s.of('load-identity')).toEqual([{ type: 'load-identity', connection: 1 }]);
    s.link({ type: 'identity-loaded', identity: identity({ cursor: { [SID]: 3 } }) });
    expect(s.of('open-transport')).toEqual([{ type: 'open-transport', connection: 1 }]);
    s.link({ type: 'transport-opened' });
    expect(s.sent()).toEqual([
      { type: 'hello', protocol: 1, space: 'default', device: 'device-1', cursor: { [SID]: 3 }, writers: [INC] },
    ]);
  });

  test('[SE2] is online only after the welcome', () => {
    const s = session().greet();
    expect(s.shown.connection).toBe('connecting');
    expect(s.hear(welcome()).shown.connection).toBe('online');
  });

  test('[SE3] frames and answers of an old connection count for nothing', () => {
    const s = session().live();
    const old = s.state.connection;
    s.link({ type: 'transport-closed', code: 1006, reason: '' }).do({ type: 'wake' });
    const before = s.state;
    s.do({ type: 'frame-received', connection: old, message: page(1) });
    s.do({ type: 'transport-closed', connection: old, code: 1006, reason: '' });
    s.do({ type: 'outbox-loaded', connection: old, items: [item(1)] });
    expect(s.state).toEqual(before);
  });

  test('[SE4] anything but a welcome in answer to hello ends the connection', () => {
    const s = session().greet().hear(page(1));
    expect(s.state.phase).toBe('backoff');
    expect(s.of('close-transport')).toHaveLength(1);
    expect(s.shown.reason?.code).toBe('OUT_OF_ORDER');
  });

  test('[SE5] a server that lacks what this device has of it is not believed: nothing is pushed, nothing deleted', () => {
    const s = session()
      .greet(identity({ cursor: { [SID]: 9 } }))
      .hear(welcome({ cursor: { [SID]: 4 } }));
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'SERVER_REPLACED' } });
    expect(s.all.some((effect) => effect.type === 'load-outbox')).toBe(false);
  });

  test('[SE6] starting paused reads how far the device has come and opens nothing', () => {
    const s = session().do({ type: 'start', paused: true });
    s.link({ type: 'identity-loaded', identity: identity({ cursor: { [SID]: 1 } }) });
    expect(s.shown).toMatchObject({ connection: 'paused', firstSync: 'done' });
    expect(s.all.some((effect) => effect.type === 'open-transport')).toBe(false);
    expect(s.do({ type: 'resume' }).state.phase).toBe('connecting');
  });
});

describe('pushing', () => {
  test('[SE10] skips what the server holds already and sends the rest in order', () => {
    const s = session()
      .greet()
      .hear(welcome({ known: { [INC]: 2 } }));
    s.link({ type: 'outbox-loaded', items: [item(1), item(2), item(3), item(4)] });
    expect(s.sent()).toEqual([{ type: 'push', changes: [item(3).change, item(4).change] }]);
    expect(s.shown.acceptedThrough).toEqual({ [INC]: 2 });
  });

  test('[SE11] goes on after the last known change when a whole batch is known', () => {
    const s = session()
      .greet()
      .hear(welcome({ known: { [INC]: 2 } }));
    s.link({ type: 'outbox-loaded', items: [item(1), item(2)] });
    expect(s.of('load-outbox')).toMatchObject([{ after: 2 }]);
    expect(s.sent()).toEqual([]);
  });

  test('[SE12] one push is on the way at a time; the next follows its answer', () => {
    const s = session().greet().hear(welcome());
    s.link({ type: 'outbox-loaded', items: [item(1)] }).do({ type: 'local-write' });
    expect(s.effects).toEqual([]);
    s.hear(pushed(1));
    expect(s.of('load-outbox')).toMatchObject([{ after: 1 }]);
    s.link({ type: 'outbox-loaded', items: [item(2)] });
    expect(s.sent()).toEqual([{ type: 'push', changes: [item(2).change] }]);
  });

  test('[SE13] a write that lands while the outbox is read is not forgotten', () => {
    const s = session().greet().hear(welcome()).do({ type: 'local-write' });
    s.link({ type: 'outbox-loaded', items: [] });
    expect(s.of('load-outbox')).toHaveLength(1);
    expect(s.shown.inSync).toBe(false);
  });

  test('[SE14] an answer that fits no push on the way is a duplicate', () => {
    const s = session()
      .live()
      .do({ type: 'local-write' })
      .link({ type: 'outbox-loaded', items: [item(2)] });
    const before = s.state.link?.pushing;
    s.hear(pushed(1));
    expect(s.state.link?.pushing).toEqual(before);
    expect(s.shown.acceptedThrough).toEqual({ [INC]: 0 });
  });

  test('[SE15] CLOCK: corrects the stamps behind the last accepted change and pushes again', () => {
    const s = session().greet().hear(welcome());
    s.link({ type: 'outbox-loaded', items: [item(1), item(2)] }).hear(pushed(1, refusal(2, 'CLOCK')));
    expect(s.of('correct-clock')).toEqual([{ type: 'correct-clock', connection: 1, after: 1, serverNowMs: 5_000 }]);
    s.link({ type: 'clock-corrected', restamped: 1, offsetMs: -60_000 });
    expect(s.of('load-outbox')).toMatchObject([{ after: 1 }]);
    expect(s.of('announce')).toMatchObject([{ news: { type: 'restamped', changes: 1, offsetMs: -60_000 } }]);
  });

  test('[SE16] CLOCK again after a correction corrects again, and waits instead of looping', () => {
    const s = session().greet().hear(welcome());
    s.link({ type: 'outbox-loaded', items: [item(1)] }).hear(pushed(0, refusal(1, 'CLOCK')));
    s.link({ type: 'clock-corrected', restamped: 1, offsetMs: 1 }).link({ type: 'outbox-loaded', items: [item(1)] });
    s.hear(pushed(0, refusal(1, 'CLOCK')));
    expect(s.of('correct-clock')).toHaveLength(1);
    s.link({ type: 'clock-corrected', restamped: 1, offsetMs: 1 });
    expect(s.of('set-timer').map((effect) => effect.timer)).toContain('push');
    expect(s.shown).toMatchObject({ connection: 'backoff', reason: { code: 'CLOCK' } });
  });

  test.each(['GAP', 'BEHIND', 'LIMBO', 'STORAGE_FULL', 'INTERNAL'] as const)(
    '[SE17] %s: waits, then sends from the head again',
    (code) => {
      const s = session().greet().hear(welcome());
      s.link({ type: 'outbox-loaded', items: [item(1), item(2)] }).hear(pushed(1, refusal(2, code)));
      expect(s.shown).toMatchObject({ connection: 'backoff', reason: { code }, nextAttemptAt: s.nowMs + 250 });
      s.do({ type: 'timer-fired', timer: 'push' });
      expect(s.of('load-outbox')).toMatchObject([{ after: null }]);
    },
  );

  const TAKEN_BACK: TakeBackResult = { type: 'taken-back', touched: {}, conflictsChanged: [], records: [] };

  test.each(['EQUIVOCATION', 'INVALID_CHANGE', 'TOO_LARGE', 'FORBIDDEN', 'WITHDRAWN'] as const)(
    '[SE18] %s: the change is taken back, and the rest of the outbox goes on',
    (code) => {
      const s = session().greet().hear(welcome());
      s.link({ type: 'outbox-loaded', items: [item(1), item(2), item(3)] }).hear(pushed(1, refusal(2, code)));
      const { dot } = item(2).change;
      const error = { code, message: `refused: ${code}` } as const;
      expect(s.of('reject')).toMatchObject([{ dot, error }]);
      expect(s.shown).toMatchObject({ connection: 'online', inSync: false });
      expect(s.of('announce').map(({ news }) => news.type)).toEqual(['accepted', 'refused']);
      s.do({ type: 'local-write' });
      expect(s.of('load-outbox')).toEqual([]);
      const records = [{ collection: 'notes', rowId: 'n2', copy: null }];
      s.link({ type: 'taken-back', dot, error, result: { ...TAKEN_BACK, records } });
      expect(s.of('announce')).toMatchObject([{ news: { type: 'rejected', dot, rowId: 'n2', error } }]);
      expect(s.of('load-outbox')).toMatchObject([{ after: 1 }]);
    },
  );

  test('[SE24] GONE: what the change edits of the forgotten record is recovered, and the rest goes on', () => {
    const s = session().greet().hear(welcome());
    const record = { c: 'notes', id: 'n1' };
    s.link({ type: 'outbox-loaded', items: [item(1)] }).hear(pushed(0, { ...refusal(1, 'GONE'), record }));
    const { dot } = item(1).change;
    expect(s.of('recover')).toMatchObject([{ dot, record }]);
    const records = [{ collection: 'notes', rowId: 'n1', copy: '~copy' }];
    const error = { code: 'GONE', message: '' } as const;
    s.link({ type: 'taken-back', dot, error, result: { ...TAKEN_BACK, records } });
    expect(s.of('announce')).toMatchObject([{ news: { type: 'recovered', rowId: 'n1', copy: '~copy' } }]);
    expect(s.of('load-outbox')).toMatchObject([{ after: null }]);
  });

  test('[SE26] when even the empty change is refused, that is said, pulling goes on, and pushing tries again', () => {
    const s = stalled();
    expect(s.of('set-timer')).toMatchObject([{ timer: 'push' }]);
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'FORBIDDEN' }, inSync: false });
    s.hear(page(1)).link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    expect(s.sent()).toEqual([{ type: 'applied', cursor: { [SID]: 1 } }]);
    expect(s.shown).toMatchObject({ connection: 'stalled', lastSyncedAt: null });
    s.do({ type: 'local-write' });
    expect(s.of('load-outbox')).toEqual([]);
    s.do({ type: 'timer-fired', timer: 'push' }).link({ type: 'outbox-loaded', items: [item(1)] });
    expect(s.shown.connection).toBe('stalled');
    expect(s.hear(pushed(1)).shown.connection).toBe('online');
  });

  test('[SE19] a change beyond the limit of the server is never put on the wire: it is taken back', () => {
    const s = session().greet().hear(welcome());
    s.link({ type: 'outbox-loaded', items: [item(1), item(2, 2_000_000)] });
    expect(s.sent()).toEqual([{ type: 'push', changes: [item(1).change] }]);
    s.hear(pushed(1)).link({ type: 'outbox-loaded', items: [item(2, 2_000_000)] });
    expect(s.sent()).toEqual([]);
    expect(s.of('reject')).toMatchObject([{ dot: item(2).change.dot, error: { code: 'TOO_LARGE' } }]);
  });

  test('[SE27] a change that no server could read is never put on the wire: it is taken back', () => {
    const s = session().greet().hear(welcome());
    const { change } = item(1);
    const poison = { ...change, recs: [{ ...change.recs[0]!, ops: [{ t: 'inc', p: 'n#c', n: NaN } as const] }] };
    s.link({ type: 'outbox-loaded', items: [{ ...item(1), change: poison }, item(2)] });
    expect(s.sent()).toEqual([]);
    expect(s.of('reject')).toMatchObject([{ dot: change.dot, error: { code: 'INVALID_CHANGE' } }]);
  });

  test('[SE20] a refused dot never counts as accepted, also when the server holds other content under it', () => {
    const s = session().greet().hear(welcome());
    s.link({ type: 'outbox-loaded', items: [item(1), item(2)] }).hear(pushed(2, refusal(2, 'EQUIVOCATION')));
    expect(s.shown.acceptedThrough).toEqual({ [INC]: 1 });
  });

  test('[SE21] wake tries a stalled push again, and it counts as stalled until one goes through', () => {
    const s = stalled().do({ type: 'wake' });
    s.link({ type: 'outbox-loaded', items: [item(1)] });
    expect(s.shown.connection).toBe('stalled');
    expect(s.hear(pushed(1)).shown.connection).toBe('online');
  });

  function refusedEmpty(s: SessionRunner): SessionRunner {
    s.link({ type: 'outbox-loaded', items: [item(1)] }).hear(pushed(0, refusal(1, 'FORBIDDEN')));
    const error = { code: 'FORBIDDEN', message: '' } as const;
    const result = { type: 'nothing', isPending: true } as const;
    return s.link({ type: 'taken-back', dot: item(1).change.dot, error, result });
  }

  function stalled(): SessionRunner {
    const s = refusedEmpty(session().greet().hear(welcome())).do({ type: 'timer-fired', timer: 'push' });
    return refusedEmpty(s);
  }

  test('[SE26] a refusal that comes twice is no refusal of the empty change: it is sent again', () => {
    const s = refusedEmpty(session().greet().hear(welcome()));
    expect(s.shown).toMatchObject({ connection: 'backoff', reason: { code: 'FORBIDDEN' } });
    s.do({ type: 'timer-fired', timer: 'push' })
      .link({ type: 'outbox-loaded', items: [item(1)] })
      .hear(pushed(1));
    expect(s.shown).not.toMatchObject({ connection: 'backoff' });
  });

  test('[SE22] pushes grow with every answer and begin small again after a lost one', () => {
    const s = session().greet().hear(welcome());
    expect(s.of('load-outbox')).toMatchObject([{ max: { bytes: 65_536 } }]);
    s.link({ type: 'outbox-loaded', items: [item(1)] }).hear(pushed(1));
    expect(s.of('load-outbox')).toMatchObject([{ max: { bytes: 131_072 } }]);
    s.link({ type: 'outbox-loaded', items: [item(2)] }).link({ type: 'transport-closed', code: 1006, reason: '' });
    s.do({ type: 'wake' }).greet().hear(welcome());
    expect(s.of('load-outbox')).toMatchObject([{ max: { bytes: 65_536 } }]);
  });
});

describe('waiting to push', () => {
  test('[SE23] waits after refusals double, and are short again after a push went through', () => {
    const s = session().greet().hear(welcome());
    const refuse = (seq: number): number | undefined => {
      s.link({ type: 'outbox-loaded', items: [item(seq)] }).hear(pushed(seq - 1, refusal(seq, 'BEHIND')));
      const waitMs = s.of('set-timer').find((effect) => effect.timer === 'push')?.afterMs;
      s.do({ type: 'timer-fired', timer: 'push' });
      return waitMs;
    };
    expect([refuse(1), refuse(1), refuse(1)]).toEqual([250, 500, 1_000]);
    s.link({ type: 'outbox-loaded', items: [item(1)] }).hear(pushed(1));
    expect(refuse(2)).toBe(250);
  });
});

describe('pulling', () => {
  test('[SE30] pages are applied one after the other, each reported only when it is durable', () => {
    const s = session().live().hear(page(1, 2)).hear(page(2, 2));
    expect(s.all.filter((effect) => effect.type === 'ingest')).toHaveLength(1);
    expect(s.all.some((effect) => effect.type === 'send' && effect.message.type === 'applied')).toBe(false);
    s.link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    expect(s.sent()).toEqual([{ type: 'applied', cursor: { [SID]: 1 } }]);
    expect(s.of('ingest')).toMatchObject([{ page: { cursor: { [SID]: 2 } } }]);
  });

  test('[SE31] a page that does not continue the cursor ends the connection, and the next hello says the truth', () => {
    const s = session()
      .live()
      .hear(page(5))
      .link({ type: 'page-ingested', result: { type: 'out-of-step', reason: 'gap' } });
    expect(s.state.phase).toBe('backoff');
    s.do({ type: 'timer-fired', timer: 'retry' });
    expect(s.of('load-identity')).toHaveLength(1);
  });

  test('[SE32] what a page of a lost connection brought is still told', () => {
    const s = session().live().hear(page(1));
    const old = s.state.connection;
    s.link({ type: 'transport-closed', code: 1006, reason: '' });
    s.do({
      type: 'page-ingested',
      connection: old,
      result: ingested({ [SID]: 1 }, { touched: { notes: ['a', 'b'] } }),
    });
    expect(s.of('announce')).toMatchObject([{ news: { type: 'pulled', changes: 1, records: 2 } }]);
    expect(s.sent()).toEqual([]);
  });

  test('[SE32] the changes of a page are told by their names, no further than it was applied', () => {
    const s = session().live();
    const entries = [1, 2, 3].map((n) => ({ stamp: [SID, n] as const, dot: `AAAAAAAAAAAAAAAA.${n}` }));
    s.link({ type: 'page-ingested', page: { ...page(3), entries }, result: ingested({ [SID]: 2 }) });
    expect(s.of('announce')).toMatchObject([
      { news: { type: 'pulled' } },
      { news: { type: 'applied', dots: entries.slice(0, 2).map(({ dot }) => dot), vector: { [SID]: 2 } } },
    ]);
  });

  test('[SE33] a server that ignores the window is dropped instead of being buffered', () => {
    const s = session().live();
    for (let n = 1; n <= 20 && s.state.phase === 'live'; n++) s.hear(page(n, 20));
    expect(s.shown.reason?.code).toBe('OUT_OF_ORDER');
  });

  test('[SE34] progress counts what is applied since the last sync against what the server announced', () => {
    const s = session()
      .live()
      .hear(page(20, 50))
      .link({ type: 'page-ingested', result: ingested({ [SID]: 20 }) });
    expect(s.shown.progress).toEqual({ direction: 'pull', done: 20, total: 50 });
    s.hear(page(50)).link({ type: 'page-ingested', result: ingested({ [SID]: 50 }) });
    expect(s.shown.progress).toBe(null);
    s.hear(page(60, 70)).link({ type: 'page-ingested', result: ingested({ [SID]: 60 }) });
    expect(s.shown.progress).toEqual({ direction: 'pull', done: 10, total: 20 });
  });

  test('[SE35] a few changes are no progress to tell', () => {
    const s = session().live().hear(page(1, 2));
    expect(s.shown.progress).toBe(null);
    s.do({ type: 'local-write' }).link({ type: 'outbox-loaded', items: [item(1)] });
    expect(s.shown.progress).toBe(null);
    const many = Array.from({ length: 20 }, (_, n) => item(n + 1));
    const busy = session().live().do({ type: 'local-write' }).link({ type: 'outbox-loaded', items: many });
    expect(busy.shown.progress).toEqual({ direction: 'push', done: 0, total: null });
    expect(busy.hear(pushed(20)).link({ type: 'outbox-loaded', items: [item(21)] }).shown.progress?.done).toBe(20);
  });
});

describe('being in sync', () => {
  test('[SE40] needs a live link, an empty outbox and the applied head of the server', () => {
    const s = session()
      .greet()
      .hear(welcome({ cursor: { [SID]: 1 } }));
    expect(s.link({ type: 'outbox-loaded', items: [] }).shown).toMatchObject({ inSync: false, firstSync: 'running' });
    s.hear(page(1)).link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    expect(s.shown).toMatchObject({ inSync: true, firstSync: 'done', lastSyncedAt: s.nowMs });
  });

  test('[SE41] a lost link leaves the time at which the server was heard last', () => {
    const s = session().live();
    s.nowMs += 7_000;
    s.hear({ type: 'pong', serverTime: 0 });
    s.nowMs += 12_000;
    s.do({ type: 'timer-fired', timer: 'silence' });
    expect(s.shown).toMatchObject({ connection: 'offline', inSync: false, lastSyncedAt: s.nowMs - 12_000 });
  });
});

describe('staying connected', () => {
  test('[SE50] says something when nothing was sent for a heartbeat, and waits for the welcome with it', () => {
    expect(session().greet().do({ type: 'timer-fired', timer: 'heartbeat' }).sent()).toEqual([]);
    const s = session().live().do({ type: 'timer-fired', timer: 'heartbeat' });
    expect(s.sent()).toEqual([{ type: 'ping' }]);
    expect(s.of('set-timer')).toEqual([{ type: 'set-timer', timer: 'heartbeat', afterMs: 5_000 }]);
  });

  test('[SE51] an idle link on which nothing arrived for 12 s is dead', () => {
    const s = session().live();
    expect(s.hear({ type: 'pong', serverTime: 0 }).of('set-timer')).toEqual([
      { type: 'set-timer', timer: 'silence', afterMs: 12_000 },
    ]);
    s.do({ type: 'timer-fired', timer: 'silence' });
    expect(s.of('close-transport')).toHaveLength(1);
    expect(s.shown).toMatchObject({ connection: 'offline', reason: { code: 'OFFLINE' } });
  });

  test('[SE52] a large frame gets more time on a link that died of it, shown as offline after 12 s all the same', () => {
    const s = session().live().hear(page(1, 2)).do({ type: 'timer-fired', timer: 'silence' });
    expect(s.state.phase).toBe('backoff');
    s.do({ type: 'wake' })
      .live(identity(), welcome({ cursor: { [SID]: 2 } }))
      .do({ type: 'timer-fired', timer: 'silence' });
    expect(s.state.phase).toBe('live');
    expect(s.shown.connection).toBe('offline');
    expect(s.hear(page(2)).shown.connection).toBe('online');
    s.do({ type: 'timer-fired', timer: 'silence' }).do({ type: 'timer-fired', timer: 'silence' });
    expect(s.state.phase).toBe('backoff');
  });

  test('[SE53] a server that answers pings and no push is given up', () => {
    const s = session()
      .greet()
      .hear(welcome())
      .link({ type: 'outbox-loaded', items: [item(1)] });
    expect(s.of('set-timer')).toContainEqual({ type: 'set-timer', timer: 'answer', afterMs: 30_000 });
    expect(s.do({ type: 'timer-fired', timer: 'answer' }).state.phase).toBe('backoff');
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'TIMEOUT' } });
  });

  test('[SE53] when the pings are not answered either, it is the network', () => {
    const s = session()
      .greet()
      .hear(welcome())
      .link({ type: 'outbox-loaded', items: [item(1)] });
    s.do({ type: 'timer-fired', timer: 'heartbeat' }).do({ type: 'timer-fired', timer: 'heartbeat' });
    s.hear(page(1)).do({ type: 'timer-fired', timer: 'answer' });
    expect(s.shown).toMatchObject({ connection: 'offline', reason: { code: 'OFFLINE' } });
  });

  test('[SE54] wake asks an idle link to prove itself within 4 s, once', () => {
    const s = session().live().do({ type: 'wake' });
    expect(s.sent()).toEqual([{ type: 'ping' }]);
    expect(s.of('set-timer')).toContainEqual({ type: 'set-timer', timer: 'silence', afterMs: 4_000 });
    expect(s.do({ type: 'wake' }).effects).toEqual([]);
  });

  test('[SE65] who asks is answered by a pong to a later ping, after what the server had until then was reported', () => {
    const s = session().live().do({ type: 'timer-fired', timer: 'heartbeat' }).do({ type: 'wake', ask: 'q' });
    expect(s.sent()).toContainEqual({ type: 'ping' });
    expect(s.hear({ type: 'pong', serverTime: 0 }).of('answer')).toEqual([]);
    s.hear(page(1));
    expect(s.shown.inSync).toBe(false);
    while (s.state.asks.length > 0) s.hear({ type: 'pong', serverTime: 0 });
    expect(s.effects.at(-1)).toEqual({ type: 'answer', ask: 'q' });
    expect(s.state.link?.pongs).toBe(s.state.link?.pings);
  });

  test('[SE66] who asks without a link is answered by the welcome, by the failed attempt, or at once when paused', () => {
    const cut = (): SessionRunner => session().live().link({ type: 'transport-closed', code: 1006, reason: '' });
    const found = cut().do({ type: 'wake', ask: 'q' }).greet();
    expect(found.of('answer')).toEqual([]);
    expect(found.hear(welcome()).effects.at(-1)).toEqual({ type: 'answer', ask: 'q' });
    const lost = cut()
      .do({ type: 'wake', ask: 'q' })
      .greet()
      .link({ type: 'transport-closed', code: 1006, reason: '' });
    expect(lost.effects.at(-1)).toEqual({ type: 'answer', ask: 'q' });
    expect(lost.shown.connection).toBe('offline');
    expect(session().do({ type: 'pause' }).do({ type: 'wake', ask: 'q' }).of('answer')).toHaveLength(1);
  });

  test('[SE67] every heartbeat and wake looks for writes of which nobody told, and shows nothing unless it finds some', () => {
    const s = session().live();
    const before = s.shown;
    s.do({ type: 'timer-fired', timer: 'heartbeat' });
    expect(s.of('load-outbox')).toHaveLength(1);
    expect(s.link({ type: 'outbox-loaded', items: [] }).shown).toBe(before);
    s.do({ type: 'wake' });
    expect(s.of('load-outbox')).toHaveLength(1);
    s.link({ type: 'outbox-loaded', items: [item(1)] });
    expect(s.sent()).toEqual([{ type: 'push', changes: [item(1).change] }]);
    expect(s.shown.inSync).toBe(false);
  });

  test('[SE68] a write that is told during such a look counts at once', () => {
    const s = session().live().do({ type: 'timer-fired', timer: 'heartbeat' }).do({ type: 'local-write' });
    expect(s.shown.inSync).toBe(false);
    expect(s.link({ type: 'outbox-loaded', items: [] }).of('load-outbox')).toHaveLength(1);
  });

  test('[SE55] waits double up to 20 s with unsent changes and 60 s without, and are short again after progress', () => {
    const waits = (s: SessionRunner, fail: () => void): number[] =>
      Array.from({ length: 9 }, () => {
        fail();
        const afterMs = s.of('set-timer').find((effect) => effect.timer === 'retry')!.afterMs;
        s.do({ type: 'timer-fired', timer: 'retry' });
        return afterMs;
      });
    const cut = (s: SessionRunner, writers: readonly string[]) => (): void => {
      s.link({ type: 'identity-loaded', identity: identity({ writers }) });
      s.link({ type: 'transport-closed', code: 1006, reason: '' });
    };
    const unsent = session().do({ type: 'start', paused: false });
    expect(waits(unsent, cut(unsent, [INC]))).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
    const idle = session().do({ type: 'start', paused: false });
    expect(waits(idle, cut(idle, []))).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    idle.live().link({ type: 'transport-closed', code: 1006, reason: '' });
    expect(idle.of('set-timer')).toEqual([{ type: 'set-timer', timer: 'retry', afterMs: 250 }]);
  });

  test('[SE64] the first change to send cuts a long wait, and no later one does', () => {
    const s = session().live(identity({ writers: [] }));
    for (let n = 0; n < 9; n++) {
      s.link({ type: 'frame-refused', problem: { code: 'BAD_FRAME', message: '' } });
      s.do({ type: 'timer-fired', timer: 'retry' }).link({
        type: 'identity-loaded',
        identity: identity({ writers: [] }),
      });
    }
    s.link({ type: 'transport-closed', code: 1006, reason: '' });
    expect(s.of('set-timer')).toEqual([{ type: 'set-timer', timer: 'retry', afterMs: 30_000 }]);
    s.do({ type: 'local-write' });
    expect(s.of('set-timer')).toEqual([{ type: 'set-timer', timer: 'retry', afterMs: 10_000 }]);
    expect(s.shown.nextAttemptAt).toBe(s.nowMs + 10_000);
    expect(s.do({ type: 'local-write' }).effects).toEqual([]);
  });

  test('[SE56] a fault that is not the network does not become a hot loop, whatever worked before it', () => {
    const s = session();
    const waits = [1, 2, 3].map(() => {
      s.live().link({ type: 'frame-refused', problem: { code: 'BAD_FRAME', message: 'not JSON' } });
      const { afterMs } = s.of('set-timer')[0]!;
      s.do({ type: 'timer-fired', timer: 'retry' });
      return afterMs;
    });
    expect(waits).toEqual([250, 500, 1_000]);
  });

  test('[SE57] wake ends the wait and resets it', () => {
    const s = session().greet().link({ type: 'transport-closed', code: 1006, reason: '' }).do({ type: 'wake' });
    expect(s.state).toMatchObject({ phase: 'connecting', attempts: 0 });
    expect(s.of('clear-timer')).toEqual([{ type: 'clear-timer', timer: 'retry' }]);
  });

  test('[SE58] a store that fails ends the link and is named; the next attempt follows', () => {
    const s = session().live().hear(page(1));
    s.link({ type: 'store-failed', problem: { code: 'QUOTA', message: 'full' } });
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'QUOTA' } });
    expect(s.of('set-timer').map((effect) => effect.timer)).toEqual(['retry']);
  });

  test('[SE59] pause closes the link and nothing but resume opens it', () => {
    const s = session().live().do({ type: 'pause' });
    expect(s.of('close-transport')).toHaveLength(1);
    s.do({ type: 'wake' }).do({ type: 'timer-fired', timer: 'retry' }).do({ type: 'local-write' });
    expect(s.shown).toMatchObject({ connection: 'paused', nextAttemptAt: null });
    expect(s.do({ type: 'resume' }).of('load-identity')).toHaveLength(1);
  });
});

describe('what the server says at the end', () => {
  const table = [
    ['AUTH_REQUIRED', CLOSE.unauthenticated, 'auth-required', 'failed'],
    ['UPGRADE_REQUIRED', CLOSE.upgradeRequired, 'upgrade-required', 'failed'],
    ['FORBIDDEN', CLOSE.forbidden, 'stalled', 'failed'],
    ['SERVER_REPLACED', CLOSE.serverReplaced, 'stalled', 'failed'],
    ['SHUTTING_DOWN', CLOSE.restart, 'backoff', 'backoff'],
    ['RATE_LIMITED', CLOSE.tryLater, 'backoff', 'backoff'],
    ['BAD_FRAME', CLOSE.badFrame, 'backoff', 'backoff'],
    ['OUT_OF_ORDER', CLOSE.outOfOrder, 'backoff', 'backoff'],
    ['TOO_LARGE', CLOSE.tooLarge, 'backoff', 'backoff'],
  ] as const;

  test.each(table)(
    '[SE60] error %s shows as its status, and so does its close code %i alone',
    (code, closeCode, connection, phase) => {
      const told = session().live().hear({ type: 'error', code, message: 'because' });
      expect(told.shown).toMatchObject({ connection, reason: { code, message: 'because' } });
      expect(told.state.phase).toBe(phase);
      const closed = session().live().link({ type: 'transport-closed', code: closeCode, reason: '' });
      expect(closed.shown).toMatchObject({ connection, reason: { code } });
    },
  );

  test('[SE61] a server that heard nothing from this device for too long saw the network fail', () => {
    const s = session().live().hear({ type: 'error', code: 'TIMEOUT', message: 'silent' });
    expect(s.shown).toMatchObject({ connection: 'offline', reason: { code: 'OFFLINE', message: 'silent' } });
  });

  test('[SE62] a failed session keeps its status while it asks again, at most every 30 s, until a welcome', () => {
    const s = session().greet().hear({ type: 'error', code: 'AUTH_REQUIRED', message: 'expired' });
    expect(s.of('set-timer')).toContainEqual({ type: 'set-timer', timer: 'retry', afterMs: 45_000 });
    s.do({ type: 'token-changed', token: 'new' }).greet();
    expect(s.sent()).toMatchObject([{ type: 'hello', token: 'new' }]);
    expect(s.shown.connection).toBe('auth-required');
    expect(s.hear(welcome()).shown).toMatchObject({ connection: 'online', reason: null });
  });

  test('[SE63] what only a newer version understands asks for an upgrade and is not skipped', () => {
    const greeted = session().greet();
    expect(greeted.hear(welcome({ protocol: 2 })).shown.connection).toBe('upgrade-required');
    const problem = { code: 'UPGRADE_REQUIRED', message: 'newer' } as const;
    expect(session().greet().link({ type: 'frame-refused', problem }).shown.connection).toBe('upgrade-required');
    const applying = session().live().hear(page(1)).link({ type: 'store-failed', problem });
    expect(applying.shown.connection).toBe('upgrade-required');
    expect(applying.sent()).toEqual([]);
  });

  test('[SE74] where only a newer version can apply the log, pulling stops and pushing goes on', () => {
    const upgrade = 'A newer version of the app wrote "paint".';
    const stopped = session()
      .live()
      .hear(page(3, 5))
      .link({ type: 'page-ingested', result: ingested({ [SID]: 1 }, { upgrade }) });
    expect(stopped.shown).toMatchObject({
      connection: 'upgrade-required',
      inSync: false,
      reason: { message: upgrade },
    });
    expect(stopped.sent()).toEqual([]);
    expect(stopped.hear(page(5)).of('ingest')).toEqual([]);
    stopped.do({ type: 'local-write' }).link({ type: 'outbox-loaded', items: [item(1)] });
    expect(stopped.sent()).toMatchObject([{ type: 'push' }]);
    stopped.hear(pushed(1)).link({ type: 'outbox-loaded', items: [] });
    expect(stopped.shown).toMatchObject({ connection: 'upgrade-required', acceptedThrough: { [INC]: 1 } });
  });

  test('[SE74] the status says so until a page is applied again; each new link tries once', () => {
    const stopped = session()
      .live()
      .hear(page(1))
      .link({ type: 'page-ingested', result: ingested({}, { upgrade: 'newer', applied: 0 }) });
    stopped.link({ type: 'transport-closed', code: 1006, reason: '' }).do({ type: 'timer-fired', timer: 'retry' });
    stopped.live(identity(), welcome({ cursor: { [SID]: 1 } }));
    expect(stopped.shown.connection).toBe('upgrade-required');
    expect(stopped.hear(page(1)).of('ingest')).toHaveLength(1);
    stopped.link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    expect(stopped.shown).toMatchObject({ connection: 'online', inSync: true, reason: null });
  });

  test('[SE75] a link on which pulling has stopped owes nothing: its silence is noticed at once', () => {
    const stopped = session()
      .live()
      .hear(page(1, 9))
      .link({ type: 'page-ingested', result: ingested({}, { upgrade: 'newer' }) });
    stopped.state = { ...stopped.state, patience: 8 };
    expect(stopped.do({ type: 'timer-fired', timer: 'silence' }).shown.connection).toBe('offline');
    expect(stopped.of('close-transport')).toHaveLength(1);
  });
});

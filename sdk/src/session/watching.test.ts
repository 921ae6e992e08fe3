import { describe, expect, test } from 'vitest';

import {
  bootstrap,
  identity,
  ingested,
  item,
  page,
  pushed,
  refusal,
  SessionRunner,
  SID,
  welcome,
} from './session.fixture.ts';
import { WATCH_MS } from './watching.ts';
import type { OutboxItem } from '../store/device-store.ts';

/** What is in the outbox: read from the head, or behind what was read. */
function answerOutbox(s: SessionRunner, outbox: readonly OutboxItem[]): void {
  for (let [load] = s.of('load-outbox'); load !== undefined; [load] = s.of('load-outbox'))
    s.link({ type: 'outbox-loaded', items: outbox.filter(({ position }) => position > (load!.after ?? 0)) });
}

/** One look of the watchdog, on a link that is alive. */
function look(s: SessionRunner, outbox: readonly OutboxItem[] = []): SessionRunner {
  s.do({ type: 'timer-fired', timer: 'heartbeat' });
  answerOutbox(s, outbox);
  s.hear({ type: 'pong', serverTime: 0 });
  s.do({ type: 'timer-fired', timer: 'watch' });
  answerOutbox(s, outbox);
  return s;
}

function looksUntilGivenUp(s: SessionRunner, outbox: readonly OutboxItem[] = []): number {
  for (let looks = 1; looks < 30; looks++) {
    look(s, outbox);
    if (s.state.phase !== 'live') return looks;
  }
  return Infinity;
}

const TAKEN = [item(1)];

/** The server took change 1 and says so. */
function accepted(): SessionRunner {
  const s = new SessionRunner().greet().hear(welcome());
  answerOutbox(s, TAKEN);
  s.hear(pushed(1));
  answerOutbox(s, TAKEN);
  return s;
}

describe('the watchdog', () => {
  test('[SE90] a change that the server took and does not give back is noticed in 30 to 40 s', () => {
    const s = accepted();
    expect(s.shown.connection).toBe('online');
    // The first look sees that something moved since the welcome.
    expect(looksUntilGivenUp(s, TAKEN) * WATCH_MS).toBe(40_000);
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'TIMEOUT' }, inSync: false });
    expect(s.shown.nextAttemptAt).toBeGreaterThan(s.nowMs);
    const told = s.all.flatMap((effect) => (effect.type === 'announce' ? [effect.news] : []));
    expect(told.at(-1)).toMatchObject({ type: 'connection', connection: 'stalled', reason: { code: 'TIMEOUT' } });
  });

  test('[SE90] entries and pieces that were announced and do not come are noticed', () => {
    const s = new SessionRunner().live(identity(), welcome({ cursor: { [SID]: 5 } }));
    expect(looksUntilGivenUp(s)).toBe(3);
    expect(s.shown.reason?.message).toContain('does not send');
    const waiting = new SessionRunner().greet().hear(welcome({ bootstrap: bootstrap(3), cursor: { [SID]: 9 } }));
    expect(looksUntilGivenUp(waiting)).toBe(3);
  });

  test('[SE90] the link is begun anew by back-off, and what was owed arrives on the next one', () => {
    const s = accepted();
    looksUntilGivenUp(s, TAKEN);
    expect(s.of('set-timer').map(({ timer }) => timer)).toContain('retry');
    s.do({ type: 'timer-fired', timer: 'retry' }).greet();
    s.hear(welcome({ known: { AAAAAAAAAAAAAAAA: 1 }, cursor: { [SID]: 1 } }));
    answerOutbox(s, TAKEN);
    s.hear(page(1)).link({ type: 'page-ingested', result: ingested({ [SID]: 1 }, { confirmed: 1 }) });
    answerOutbox(s, []);
    expect(s.shown).toMatchObject({ connection: 'online', reason: null });
    expect(looksUntilGivenUp(s)).toBe(Infinity);
  });

  test('[SE91] begun anew it is still shown as stalled, until something moves', () => {
    const s = accepted();
    looksUntilGivenUp(s, TAKEN);
    s.do({ type: 'timer-fired', timer: 'retry' }).greet();
    s.hear(welcome({ known: { AAAAAAAAAAAAAAAA: 1 } }));
    answerOutbox(s, TAKEN);
    expect(s.shown.connection).toBe('stalled');
    s.hear(page(1));
    expect(s.shown.connection).toBe('stalled');
    s.link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    expect(s.shown.connection).toBe('online');
  });

  test('[SE91] when nothing is owed after all, it is online again', () => {
    const s = accepted();
    looksUntilGivenUp(s, TAKEN);
    s.do({ type: 'timer-fired', timer: 'retry' }).live();
    expect(s.shown.connection).toBe('online');
  });

  test('[SE92] without pongs it is a matter of silence', () => {
    const s = accepted();
    for (let i = 0; i < 20; i++) s.do({ type: 'timer-fired', timer: 'watch' });
    expect(s.state.phase).toBe('live');
  });

  test('[SE92] a store at work, a push that waits and an app that is too old are told by their own rules', () => {
    const ingesting = new SessionRunner().live(identity(), welcome({ cursor: { [SID]: 5 } })).hear(page(2, 5));
    expect(looksUntilGivenUp(ingesting)).toBe(Infinity);
    const waiting = new SessionRunner().greet().hear(welcome());
    answerOutbox(waiting, TAKEN);
    waiting.hear(pushed(0, refusal(1, 'GAP')));
    for (let i = 0; i < 10; i++) {
      waiting.do({ type: 'timer-fired', timer: 'heartbeat' }).hear({ type: 'pong', serverTime: 0 });
      waiting.do({ type: 'timer-fired', timer: 'watch' });
    }
    expect(waiting.shown).toMatchObject({ connection: 'backoff', reason: { code: 'GAP' } });
    const old = new SessionRunner().live(identity(), welcome({ cursor: { [SID]: 5 } })).hear(page(2, 5));
    old.link({ type: 'page-ingested', result: ingested({ [SID]: 1 }, { upgrade: 'an operation of a newer version' }) });
    expect(looksUntilGivenUp(old)).toBe(Infinity);
    expect(old.shown.connection).toBe('upgrade-required');
  });

  test('[SE92] links that a large frame may crawl over are given the patience that they have taught', () => {
    const s = new SessionRunner().live(identity(), welcome({ cursor: { [SID]: 5 } }));
    s.state = { ...s.state, patience: 4 };
    expect(looksUntilGivenUp(s)).toBe(12);
  });

  test('[SE94] a page that must not be taken in stops pulling and is told; pushing goes on, and a new link tries again', () => {
    const s = new SessionRunner().live(identity(), welcome({ cursor: { [SID]: 5 } })).hear(page(2, 5));
    s.link({ type: 'page-refused', problem: { code: 'INTERNAL', message: 'left out' } });
    expect(s.shown).toMatchObject({ connection: 'stalled', reason: { code: 'INTERNAL', message: 'left out' } });
    expect(s.hear(page(4, 5)).of('ingest')).toEqual([]);
    s.do({ type: 'local-write' });
    answerOutbox(s, TAKEN);
    expect(s.sent()).toMatchObject([{ type: 'push' }]);
    expect(looksUntilGivenUp(s.hear(pushed(1)))).toBe(Infinity);
    s.link({ type: 'transport-closed', code: 1006, reason: '' }).do({ type: 'timer-fired', timer: 'retry' });
    s.live()
      .hear(page(1))
      .link({ type: 'page-ingested', result: ingested({ [SID]: 1 }) });
    expect(s.shown.connection).toBe('online');
  });

  test('[SE93] an idle link is watched for ever', () => {
    const s = new SessionRunner().live();
    expect(looksUntilGivenUp(s)).toBe(Infinity);
    expect(s.shown.connection).toBe('online');
  });

  test('[SE93] a server that pulls is not watched', () => {
    const s = new SessionRunner({ peer: 'other-server' }).greet().hear(welcome());
    expect(s.all.filter((effect) => effect.type === 'set-timer' && effect.timer === 'watch')).toEqual([]);
  });
});

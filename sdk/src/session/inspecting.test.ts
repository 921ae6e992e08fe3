import { describe, expect, test } from 'vitest';

import type { Inspection } from '../store/device-store.ts';
import { REPAIR_EVERY_MS } from './link.ts';
import { identity, page, SessionRunner, SID, welcome } from './session.fixture.ts';

const DAY = 86_400_000;
const GOING: Inspection = { after: ['notes', 'n1'], digest: [1, 2, 3, 4], at: 'here' };

const fire = (s: SessionRunner): SessionRunner => s.do({ type: 'timer-fired', timer: 'inspect' });
const timers = (s: SessionRunner): readonly number[] =>
  s.effects.flatMap((effect) => (effect.type === 'set-timer' && effect.timer === 'inspect' ? [effect.afterMs] : []));

describe('looking over what is stored', () => {
  test('[SE87] begins a minute after the welcome, goes on slice by slice, and again when the store says so', () => {
    const s = new SessionRunner();
    expect(timers(s.greet().hear(welcome()))).toEqual([60_000]);
    s.link({ type: 'outbox-loaded', items: [] });
    expect(fire(s).of('inspect')).toEqual([{ type: 'inspect', connection: 1, inspection: null }]);
    s.link({ type: 'inspected', result: { type: 'going-on', inspection: GOING } });
    expect(s.of('inspect')).toEqual([{ type: 'inspect', connection: 1, inspection: GOING }]);
    s.link({ type: 'inspected', result: { type: 'done', isDiverged: false, nextInMs: DAY } });
    expect([s.of('inspect'), timers(s), s.state.phase]).toEqual([[], [DAY], 'live']);
  });

  test('[SE87] waits while there is something else to do, and when something has moved', () => {
    const s = new SessionRunner().live();
    s.hear(page(3));
    expect([fire(s).of('inspect'), timers(s)]).toEqual([[], [600_000]]);
    const idle = fire(new SessionRunner().live());
    idle.hear(page(3)).link({ type: 'inspected', result: { type: 'going-on', inspection: GOING } });
    expect([idle.of('inspect'), timers(idle)]).toEqual([[], [600_000]]);
    const moved = fire(new SessionRunner().live()).link({ type: 'inspected', result: { type: 'moved' } });
    expect(timers(moved)).toEqual([600_000]);
  });

  test('[SE87] damage is told, and repaired by a snapshot; a repair that did not help is not tried at once again', () => {
    const s = fire(new SessionRunner().live());
    s.link({ type: 'inspected', result: { type: 'done', isDiverged: true, nextInMs: DAY } });
    expect(s.of('announce').map(({ news }) => news.type)).toContain('diverged');
    expect([s.of('close-transport').length, s.state.phase]).toEqual([1, 'backoff']);
    s.nowMs += 10_000;
    s.do({ type: 'timer-fired', timer: 'retry' }).greet(identity({ isDiverged: true }));
    expect(s.sent()).toMatchObject([{ type: 'hello', wantsSnapshot: true }]);
    s.hear(welcome()).link({ type: 'outbox-loaded', items: [] });
    fire(s).link({ type: 'inspected', result: { type: 'done', isDiverged: true, nextInMs: DAY } });
    expect([timers(s), s.state.phase]).toEqual([[DAY], 'live']);
    s.nowMs += REPAIR_EVERY_MS;
    fire(s).link({ type: 'inspected', result: { type: 'done', isDiverged: true, nextInMs: DAY } });
    expect(s.state.phase).toBe('backoff');
  });

  test('[SE87] a server that pulls looks after its own storage; an answer to an old link counts for nothing', () => {
    const peer = new SessionRunner({ peer: SID }).greet(identity({ writers: [] }));
    expect(timers(peer.hear(welcome()))).toEqual([]);
    const s = fire(new SessionRunner().live());
    s.link({ type: 'transport-closed', code: 1006, reason: '' });
    s.link({ type: 'inspected', result: { type: 'going-on', inspection: GOING } });
    expect([s.of('inspect'), timers(s)]).toEqual([[], []]);
  });
});

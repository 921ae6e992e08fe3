import { expect, test } from 'vitest';

import { INITIAL_SYNC_STATE, type SyncState } from '../session/sync-state.ts';
import { TestClock } from './engine.fixture.ts';
import { createTokenKeeper, OTHER_PAGE_MS, TOKEN_MS, type TokenFunction, type TokenReason } from './token.ts';

const REFUSED = { code: 'AUTH_REQUIRED', message: 'the token is missing or not valid' } as const;

/** A keeper, and the link that it hears: the server refuses what is not `good`. */
class Link {
  readonly clock = new TestClock();
  readonly asked: TokenReason[] = [];
  readonly given: string[] = [];
  readonly told: string[] = [];
  good = '';
  shown: SyncState = INITIAL_SYNC_STATE;
  readonly keeper;

  constructor(answer: TokenFunction | string, { here = true } = {}) {
    this.keeper = createTokenKeeper({
      source: typeof answer === 'string' ? answer : (why) => (this.asked.push(why), answer(why)),
      clock: this.clock,
      fraction: () => 0.999,
      onToken: (token) => {
        this.given.push(token);
        this.attempt(token);
      },
      onProblem: (problem, state) => {
        this.told.push(problem.message);
        if (state !== null) this.shown = state;
      },
    });
    this.keeper.leads(here);
  }

  /** The server answers a hello. */
  attempt(token: string | null = this.keeper.token): void {
    const connection = token === this.good ? 'online' : 'auth-required';
    const reason = connection === 'online' ? null : REFUSED;
    const nextAttemptAt = reason && this.clock.nowMs() + 45_000 + Math.random();
    this.shown = this.keeper.hear({ ...INITIAL_SYNC_STATE, connection, reason, nextAttemptAt });
  }
}

test('[TOK1] asks why: expired when the token has worked, denied when it has not; and goes on by itself', async () => {
  let count = 0;
  const link = new Link(async () => `t${++count}`);
  await link.keeper.start();
  link.good = 't1';
  link.attempt();
  link.good = 't3';
  link.attempt();
  await link.clock.advance(0);
  expect(link.asked).toEqual(['start', 'expired']);
  await link.clock.advance(1_000);
  expect(link.asked).toEqual(['start', 'expired', 'denied']);
  expect(link.shown.connection).toBe('online');
  expect(link.keeper.token).toBe('t3');
});

test('[TOK2] one question at a time, however often the server refuses meanwhile', async () => {
  let answer: (token: string) => void = () => undefined;
  const link = new Link(() => new Promise((resolve) => (answer = resolve)));
  link.good = 'late';
  for (let i = 0; i < 5; i++) {
    link.attempt('old');
    await link.clock.advance(1_000);
  }
  expect(link.asked).toEqual(['denied']);
  answer('late');
  await link.clock.advance(0);
  expect(link.shown.connection).toBe('online');
});

test('[TOK3] tokens that are refused one after the other are asked for ever more rarely', async () => {
  let count = 0;
  const link = new Link(async () => `bad${++count}`);
  link.attempt();
  await link.clock.advance(10 * 60_000);
  expect(link.asked.length).toBeGreaterThan(8);
  expect(link.asked.length).toBeLessThan(25);
});

for (const [what, answer, message] of [
  ['throws', () => Promise.reject(new Error('no session')), 'The token function has failed (Error: no session).'],
  [
    'throws at once',
    () => {
      throw new Error('oh');
    },
    'The token function has failed (Error: oh).',
  ],
  ['gives null', async () => null, 'The token function gave no token.'],
  ['gives a number', async () => 7 as never, 'The token function gave no token.'],
  [
    'never answers',
    () => new Promise<never>(() => undefined),
    'The token function has failed (Error: it did not answer within 30 s).',
  ],
  ['gives the refused one', async () => 'old', 'The token function gave the token that the server refuses.'],
] as const) {
  test(`[TOK4] a function that ${what} is told as the reason, and asked again with the next attempt`, async () => {
    let isBroken = false;
    const link = new Link(async (why) => (isBroken ? answer() : why === 'start' ? 'old' : 'new'));
    link.good = 'new';
    await link.keeper.start();
    isBroken = true;
    link.attempt();
    await link.clock.advance(TOKEN_MS);
    expect(link.told).toEqual([message]);
    expect(link.shown).toMatchObject({ connection: 'auth-required', reason: { code: 'AUTH_REQUIRED', message } });
    isBroken = false;
    link.attempt();
    await link.clock.advance(0);
    expect(link.given).toEqual(['new']);
    expect(link.shown).toMatchObject({ connection: 'online', reason: null });
  });
}

test('[TOK5] a function that hangs at the start holds syncing up for 30 s, not for ever', async () => {
  const link = new Link(() => new Promise<never>(() => undefined));
  let isStarted = false;
  void link.keeper.start().then(() => (isStarted = true));
  await link.clock.advance(TOKEN_MS - 1);
  expect(isStarted).toBe(false);
  await link.clock.advance(1);
  expect(isStarted).toBe(true);
  expect(link.told).toHaveLength(1);
});

test('[TOK6] a page whose context does not sync asks only when nothing came of it for a while', async () => {
  const link = new Link(async () => 'new', { here: false });
  link.good = 'new';
  link.attempt();
  await link.clock.advance(OTHER_PAGE_MS - 1);
  expect(link.asked).toEqual([]);
  await link.clock.advance(1);
  expect(link.asked).toEqual(['denied']);
  const other = new Link(async () => 'new', { here: false });
  other.attempt();
  await other.clock.advance(1_000);
  other.good = 'theirs';
  other.attempt('theirs');
  await other.clock.advance(60_000);
  expect(other.asked).toEqual([]);
});

test('[TOK7] a token that is a text is never asked for', async () => {
  const link = new Link('fixed');
  await link.keeper.start();
  expect(link.keeper.token).toBe('fixed');
  link.attempt();
  await link.clock.advance(120_000);
  expect(link.shown).toMatchObject({ connection: 'auth-required', reason: REFUSED });
  expect(link.told).toEqual([]);
});

test('[TOK8] after stop() nobody is asked and nothing is told', async () => {
  const link = new Link(async () => 'new');
  link.attempt();
  link.keeper.stop();
  await link.clock.advance(120_000);
  expect(link.asked).toEqual([]);
  expect(link.given).toEqual([]);
});

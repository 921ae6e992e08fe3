import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { dotOf, type Dot } from '../core/dot.ts';
import type { VersionVector } from '../core/version-vector.ts';
import type { StoredEntry } from '../protocol/codec.ts';
import { encodeMessage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { DeviceMessage, Hello } from '../protocol/messages.ts';
import type { LogHead, ServerContext, ServerEffect, ServerEvent, ServerSession } from './server-events.ts';
import { newServerSession, stepServer } from './server-session.ts';

const SID = 'SSSSSSSSSSS';
const A = 'AAAAAAAAAAAAAAAA';
const B = 'BBBBBBBBBBBBBBBB';
const CONTEXT: ServerContext = {
  sid: SID,
  founders: [SID],
  limits: { ...DEFAULT_LIMITS, pagesInFlight: 2, entriesPerPage: 2 },
};
const HELLO: Hello = { type: 'hello', protocol: 1, space: 's', device: 'd', cursor: {}, writers: [A] };
const headAt = (lsn: number): LogHead => ({ lsn, cursor: { [SID]: lsn } });
const greeted = (head: number, position = 0): ServerEvent => ({
  type: 'greeted',
  head: headAt(head),
  known: { [A]: 0 },
  position,
  atMs: 0,
  nowMs: 1_000,
});

const frame = (message: DeviceMessage | string, atMs = 0): ServerEvent => ({
  type: 'frame',
  text: typeof message === 'string' ? message : encodeMessage(message),
  atMs,
  nowMs: 1_000 + atMs,
});
const push = (...dots: Dot[]): ServerEvent =>
  frame({ type: 'push', changes: dots.map((dot) => ({ dot, hlc: 0, recs: [] })) });
const applied = (n: number): ServerEvent => frame({ type: 'applied', cursor: { [SID]: n } });
const entry = (n: number, dot: Dot = dotOf(B, n)): StoredEntry => ({
  lsn: n,
  stamp: [SID, n],
  kind: 'change',
  dot,
  text: `{"dot":"${dot}"}`,
});
const read = (...entries: StoredEntry[]): ServerEvent => ({ type: 'read', entries });

/** Runs events and returns what came out of the last one. */
function run(...events: ServerEvent[]): { state: ServerSession; effects: readonly ServerEffect[] } {
  let step: { state: ServerSession; effects: readonly ServerEffect[] } = { state: newServerSession(0), effects: [] };
  for (const event of events) step = stepServer(step.state, event, CONTEXT);
  return step;
}

const opened = (head = 0, cursor: VersionVector = {}): ServerEvent[] => [
  frame({ ...HELLO, cursor }),
  greeted(head, cursor[SID]),
];
const closing = (code: string, close: number): unknown => [
  { type: 'send', message: { type: 'error', code, message: expect.any(String) } },
  { type: 'close', code: close, reason: code },
];

describe('session of a server', { timeout: 30_000 }, () => {
  it('[SES1] a hello is checked, then welcomed with what is known', () => {
    expect(run(frame(HELLO)).effects).toEqual([{ type: 'greet', hello: HELLO }]);
    const { frameBytes, changeBytes, changesPerPush, heartbeatMs } = CONTEXT.limits;
    const welcome = {
      type: 'welcome',
      protocol: 1,
      sid: SID,
      cursor: { [SID]: 0 },
      known: { [A]: 0 },
      serverTime: 1_000,
      founders: [SID],
      limits: { frameBytes, changeBytes, changesPerPush, heartbeatMs },
    };
    expect(run(...opened()).effects).toEqual([{ type: 'send', message: welcome }]);
  });

  it.each<[string, ServerEvent[], string, number]>([
    ['a frame before hello', [frame({ type: 'ping' })], 'OUT_OF_ORDER', 4401],
    ['a push before hello', [push(`${A}.1`)], 'OUT_OF_ORDER', 4401],
    ['no hello in time', [{ type: 'tick', atMs: 10_000 }], 'TIMEOUT', 4408],
    ['a check of the token that hangs', [frame(HELLO), { type: 'tick', atMs: 10_000 }], 'TIMEOUT', 1013],
    ['a frame that is no JSON', [frame('{')], 'BAD_FRAME', 4400],
    ['a frame that is too large', [frame('x'.repeat(1_048_577))], 'TOO_LARGE', 1009],
    ['another protocol', [frame({ ...HELLO, protocol: 2 })], 'UPGRADE_REQUIRED', 4426],
    ['a second hello', [...opened(), frame(HELLO)], 'OUT_OF_ORDER', 4409],
    ['a second hello at once', [frame(HELLO), frame(HELLO)], 'OUT_OF_ORDER', 4409],
    ['a push before welcome', [frame(HELLO), push(`${A}.1`)], 'OUT_OF_ORDER', 4409],
    ['a push while another is open', [...opened(), push(`${A}.1`), push(`${A}.2`)], 'OUT_OF_ORDER', 4409],
    ['applied beyond what was sent', [...opened(3), read(entry(1), entry(2)), applied(3)], 'OUT_OF_ORDER', 4409],
    ['silence', [...opened(), { type: 'tick', atMs: 12_000 }], 'TIMEOUT', 4408],
    ['a piece that was not sent', [...opened(), frame({ type: 'staged', id: 's', piece: 0 })], 'OUT_OF_ORDER', 4409],
    [
      'a cursor of another server',
      [frame(HELLO), { type: 'failed', code: 'SERVER_REPLACED', message: '', close: 4410 }],
      'SERVER_REPLACED',
      4410,
    ],
    [
      'a denied hello',
      [frame(HELLO), { type: 'failed', code: 'FORBIDDEN', message: '', close: 4403 }],
      'FORBIDDEN',
      4403,
    ],
    ['a shutdown', [...opened(), { type: 'shutdown' }], 'SHUTTING_DOWN', 1012],
    ['a shutdown before hello', [{ type: 'shutdown' }], 'SHUTTING_DOWN', 1012],
  ])('[SES2] %s ends the session with its code, and nothing is done any more', (_, events, code, close) => {
    const { state, effects } = run(...events);
    expect(effects).toEqual(closing(code, close));
    for (const event of [...opened(9), push(`${A}.1`), read(entry(1)), { type: 'grown', head: headAt(9) } as const]) {
      expect(stepServer(state, event, CONTEXT)).toEqual({ state, effects: [] });
    }
  });

  it('[SES3] a push is answered when it is decided, and then its entries follow by dot alone', () => {
    const dots = [`${A}.1`, `${A}.2`, `${A}.3`];
    const pending = run(...opened(), push(...dots));
    expect(pending.effects).toEqual([{ type: 'admit', push: expect.objectContaining({ type: 'push' }) }]);
    const refused = { dot: `${A}.3`, code: 'CLOCK', message: 'm', serverTime: 1 } as const;
    const admitted = stepServer(
      pending.state,
      { type: 'admitted', accepted: [`${A}.1`, `${A}.2`], known: { [A]: 2 }, refused, head: headAt(3) },
      CONTEXT,
    );
    expect(admitted.effects).toEqual([
      { type: 'send', message: { type: 'pushed', known: { [A]: 2 }, refused } },
      { type: 'read', after: 0 },
    ]);
    const page = stepServer(admitted.state, read(entry(1, `${A}.1`), entry(2), entry(3, `${A}.2`)), CONTEXT);
    expect(page.effects).toEqual([
      {
        type: 'send-page',
        entries: [{ ...entry(1, `${A}.1`), text: null }, entry(2), { ...entry(3, `${A}.2`), text: null }],
        place: { cursor: { [SID]: 3 }, head: { [SID]: 3 } },
      },
    ]);
  });

  it('[SES4] what was not pushed in this session, or refused in it, is sent with its content', () => {
    const entries = [
      entry(1, `${A}.1`),
      entry(2, `${A}.2`),
      entry(3, `${A}.7`),
      entry(4, `${A}.8`),
      entry(5, `${A}.9`),
    ];
    const events = [
      ...opened(5),
      push(`${A}.2`),
      { type: 'admitted', accepted: [`${A}.2`], known: { [A]: 9 }, head: headAt(5) } as const,
      push(`${A}.7`, `${A}.8`, `${A}.9`),
      { type: 'admitted', accepted: [`${A}.7`, `${A}.8`], known: { [A]: 9 }, head: headAt(5) } as const,
    ];
    const page = run(...events, read(...entries)).effects[0];
    // After the hole between 2 and 7 only the newer range is remembered: content is sent, which is safe.
    const contents = [false, false, true, true, false].map((isOwn) => (isOwn ? null : expect.any(String)));
    expect(page).toMatchObject({ type: 'send-page', entries: contents.map((text) => ({ text })) });
  });

  it('[SES5] the log is read from the cursor, one piece at a time, up to the credit', () => {
    const first = run(...opened(9, { [SID]: 3 }));
    expect(first.effects).toContainEqual({ type: 'read', after: 3 });
    const one = stepServer(first.state, read(entry(4), entry(5)), CONTEXT);
    expect(one.effects.map(({ type }) => type)).toEqual(['send-page', 'read']);
    const two = stepServer(one.state, read(entry(6), entry(7)), CONTEXT);
    expect(two.effects.map(({ type }) => type)).toEqual(['send-page']);
    expect(stepServer(two.state, { type: 'grown', head: headAt(20) }, CONTEXT).effects).toEqual([]);
    expect(stepServer(two.state, applied(4), CONTEXT).effects).toEqual([]);
    expect(stepServer(two.state, applied(5), CONTEXT).effects).toEqual([{ type: 'read', after: 7 }]);
  });

  it('[SES6] a device that has everything is told when the log grows', () => {
    const idle = run(...opened(4, { [SID]: 4 }));
    expect(idle.effects.map(({ type }) => type)).toEqual(['send']);
    const grown = stepServer(idle.state, { type: 'grown', head: headAt(6) }, CONTEXT);
    expect(grown.effects).toEqual([{ type: 'read', after: 4 }]);
    expect(stepServer(grown.state, { type: 'grown', head: headAt(7) }, CONTEXT).effects).toEqual([]);
  });

  it('[SES7] a ping is answered and breaks the silence', () => {
    const heard = run(...opened(), frame({ type: 'ping' }, 11_000));
    expect(heard.effects).toEqual([{ type: 'send', message: { type: 'pong', serverTime: 12_000 } }]);
    expect(stepServer(heard.state, { type: 'tick', atMs: 22_999 }, CONTEXT).effects).toEqual([]);
    expect(stepServer(heard.state, { type: 'tick', atMs: 23_000 }, CONTEXT).effects).toEqual(closing('TIMEOUT', 4408));
    expect(run(frame(HELLO), frame({ type: 'ping' })).effects).toEqual([]);
  });

  it('[SES8] a receiver that does not read is cut off without another frame to it', () => {
    expect(run(...opened(), { type: 'clogged' }).effects).toEqual([
      { type: 'close', code: 1013, reason: expect.any(String) },
    ]);
  });

  it('[SES9] any sequence of events: no answer before a hello, credit kept, log order, nothing after the end', () => {
    fc.assert(
      fc.property(fc.array(anyEvent(), { maxLength: 60 }), (events) => new Watched().run(events)),
      { numRuns: 500 },
    );
  });

  it('[SES9] a device that acknowledges what it gets gets the whole log, whatever else happens', () => {
    const step = fc.constantFrom('grow', 'apply', 'push', 'ping');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(5), (steps, start) => {
        const watched = new Watched();
        watched.run([frame({ ...HELLO, cursor: { [SID]: start } }), greeted(start + 3, start)]);
        let head = start + 3;
        for (const one of steps) {
          if (one === 'grow') watched.run([{ type: 'grown', head: headAt(++head) }]);
          if (one === 'push')
            watched.run([
              push(`${A}.1`),
              { type: 'admitted', accepted: [`${A}.1`], known: { [A]: 1 }, head: headAt(head) },
            ]);
          if (one === 'ping') watched.run([frame({ type: 'ping' })]);
          if (one === 'apply') watched.run([applied(watched.position)]);
        }
        for (let i = 0; i < 100; i++) watched.run([applied(watched.position)]);
        expect(watched.position).toBe(head);
      }),
    );
  });
});

function anyEvent(): fc.Arbitrary<ServerEvent> {
  const n = fc.nat(12);
  const dots = fc.array(fc.tuple(fc.constantFrom(A, B), fc.integer({ min: 1, max: 5 })), {
    minLength: 1,
    maxLength: 4,
  });
  const hello = fc.option(fc.nat(3)).map((at) => frame(at === null ? HELLO : { ...HELLO, cursor: { [SID]: at } }));
  const accepted = n.map((head) => greeted(head));
  const event: fc.Arbitrary<ServerEvent>[] = [
    hello,
    accepted,
    n.map((head) => ({ type: 'grown', head: headAt(head) })),
    fc
      .tuple(fc.nat(4), n)
      .map(([seq, head]) => ({ type: 'admitted', accepted: [`${A}.${seq + 1}`], known: {}, head: headAt(head) })),
    dots.map((list) => push(...list.map(([inc, seq]) => dotOf(inc, seq)))),
    n.map(applied),
    fc.constant(frame({ type: 'ping' })),
    fc.constant<ServerEvent>({ type: 'read', entries: [] }),
    fc.nat(9_000).map((atMs) => ({ type: 'tick', atMs })),
    fc.string().map((text) => frame(text)),
    fc.constantFrom<ServerEvent>({ type: 'clogged' }, { type: 'shutdown' }, { type: 'gone' }),
  ];
  const rare = 3;
  return fc.oneof(...event.map((arbitrary, i) => ({ arbitrary, weight: i < event.length - rare ? 10 : 1 })));
}

/** Answers every read from an endless log, and holds each effect against the promises of the session. */
class Watched {
  state: ServerSession = newServerSession(0);
  position = 0;
  #inFlight: number[] = [];
  #saidHello = false;
  #isOver = false;

  run(events: readonly ServerEvent[]): void {
    for (const event of events) this.#step(event);
  }

  #step(event: ServerEvent): void {
    if (event.type === 'frame' && event.text.includes('"hello"')) this.#hear(event.text);
    if (event.type === 'frame' && event.text.includes('"applied"')) this.#credit(event.text);
    const { state, effects } = stepServer(this.state, event, CONTEXT);
    if (this.#isOver) expect(effects).toEqual([]);
    this.state = state;
    for (const effect of effects) this.#see(effect);
  }

  #hear(text: string): void {
    if (!this.#saidHello) this.position = (JSON.parse(text) as Hello).cursor[SID] ?? 0;
    this.#saidHello = true;
  }

  #credit(text: string): void {
    const at = (JSON.parse(text) as { cursor: Record<string, number> }).cursor[SID]!;
    this.#inFlight = this.#inFlight.filter((last) => last > at);
  }

  #see(effect: ServerEffect): void {
    if (effect.type === 'close') this.#isOver = true;
    if (effect.type === 'read') this.#step(this.#readFrom(effect.after));
    if (effect.type === 'send' && effect.message.type !== 'error') expect(this.#saidHello).toBe(true);
    if (effect.type !== 'send-page') return;
    expect(effect.entries.map(({ lsn }) => lsn)).toEqual(effect.entries.map((_, i) => this.position + i + 1));
    this.position = effect.entries.at(-1)!.lsn;
    this.#inFlight.push(this.position);
    expect(this.#inFlight.length).toBeLessThanOrEqual(CONTEXT.limits.pagesInFlight);
  }

  #readFrom(after: number): ServerEvent {
    const head = this.state.phase === 'open' ? this.state.head.lsn : after;
    const count = Math.min(CONTEXT.limits.entriesPerPage, head - after);
    return read(
      ...Array.from({ length: count }, (_, i) => entry(after + 1 + i, dotOf(i % 2 === 0 ? A : B, after + 1 + i))),
    );
  }
}

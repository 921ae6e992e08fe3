/** Every parser of what others send: a typed refusal or a sound value, never an exception, and nothing polluted. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import { CHANGE, NEWER_CHANGE, DEVICE_FRAMES, SERVER_FRAMES } from '../../sdk/src/protocol/frames.fixture.ts';
import { elementPath, fieldProblem, parsePath } from '../../sdk/src/core/paths.ts';
import { eventOfNews, isProblem } from '../../sdk/src/client/events.ts';
import { composeStatus, NOTHING_PENDING } from '../../sdk/src/client/status.ts';
import { canonicalJson, findJsonProblem, type Json } from '../../sdk/src/lib/json.ts';
import { checkChange } from '../../sdk/src/protocol/check-change.ts';
import { decodeDeviceMessage, decodeServerMessage, encodeMessage } from '../../sdk/src/protocol/codec.ts';
import { decodeHttpBody, encodeHttpBody, type HttpRequestHead } from '../../sdk/src/protocol/http-binding.ts';
import { DEFAULT_LIMITS } from '../../sdk/src/protocol/limits.ts';
import { INITIAL_SYNC_STATE } from '../../sdk/src/session/sync-state.ts';
import { isTabMessage, type TabMessage } from '../../sdk/src/worker/host-messages.ts';
import { readConfig } from '../../sync-server/src/config.ts';
import { fuzz, TIMEOUT_MS } from './fuzz.fixture.ts';
import { altered, change, damaged, json, jsonText, nested, text } from './hostile.fixture.ts';

const FRAMES = [...Object.values(DEVICE_FRAMES), ...Object.values(SERVER_FRAMES)];
const frameText = fc.oneof(
  { weight: 4, arbitrary: damaged(FRAMES.map(encodeMessage)) },
  { weight: 4, arbitrary: altered(FRAMES).map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: jsonText },
  { weight: 1, arbitrary: text },
);

afterEach(() => {
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('parsers', { timeout: TIMEOUT_MS }, () => {
  it.each([
    ['frames of a device', decodeDeviceMessage],
    ['frames of a server', decodeServerMessage],
  ] as const)('[FZP1] %s: refused with a code, or the same again after the wire', async (name, decode) => {
    const property = fc.property(frameText, (given) => {
      const decoded = decode(given, DEFAULT_LIMITS);
      if (decoded.type === 'bad') {
        expect(['BAD_FRAME', 'TOO_LARGE', 'UPGRADE_REQUIRED']).toContain(decoded.code);
        expect(decoded.reason.length).toBeGreaterThan(0);
        return;
      }
      // The changes of a push are looked at one by one, later: what is wrong with them cannot be packed.
      const sent = decoded.message.type === 'push' ? JSON.stringify(decoded.message) : encodeMessage(decoded.message);
      expect(decode(sent, DEFAULT_LIMITS)).toEqual(decoded);
    });
    await fuzz(name, property, { runs: 4_000 });
  });

  it('[FZP12] bodies of the HTTP binding: none, or the same frames again after the wire', async () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const bytesOf = (body: string): Uint8Array => new TextEncoder().encode(body);
    const decode = (bytes: Uint8Array): ReturnType<typeof decodeHttpBody> =>
      decodeHttpBody(bytes, (part) => decoder.decode(part));
    const head: HttpRequestHead = { do: 'send', link: 'x', from: 1 };
    const well = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 });
    const bodies = ['{"do":"open","binding":1}\n', '{"do":"send","link":"x","from":1,"bytes":[2,3]}\nab\u00fcc'];
    const hostile = fc.oneof(damaged(bodies), text, jsonText).map(bytesOf);
    const property = fc.property(well, fc.oneof(hostile, fc.uint8Array({ maxLength: 200 })), (frames, given) => {
      expect(decode(bytesOf(encodeHttpBody(head, frames)))?.frames).toEqual(frames);
      const decoded = decode(given);
      if (decoded === null) return;
      expect(
        decode(bytesOf(encodeHttpBody(decoded.head as unknown as HttpRequestHead, decoded.frames)))?.frames,
      ).toEqual(decoded.frames);
    });
    await fuzz('bodies of the HTTP binding', property, { runs: 4_000 });
  });

  it('[FZP2] changes: what passes is plain JSON, and passes again from its text', async () => {
    const base = [NEWER_CHANGE, CHANGE];
    const property = fc.property(
      fc.oneof(
        altered(base),
        change.map((rest) => ({ ...rest, dot: 'AAAAAAAAAAAAAAAA.1' })),
        json,
      ),
      (given) => {
        const checked = checkChange(given, DEFAULT_LIMITS);
        if (checked.type === 'bad') {
          expect(['INVALID_CHANGE', 'TOO_LARGE']).toContain(checked.code);
          return;
        }
        const parsed = JSON.parse(JSON.stringify(checked.change)) as Json;
        expect(checkChange(parsed, DEFAULT_LIMITS).type).toBe('ok');
        expect(canonicalJson(parsed)).toBe(canonicalJson(checked.change as unknown as Json));
      },
    );
    await fuzz('changes', property, { runs: 4_000 });
  });

  it('[FZP3] paths: known ones say fields and elements that an app may use, and come from nowhere else', async () => {
    const made = fc.tuple(text, json).map(([field, element]) => `${field}/${JSON.stringify(element)}`);
    const property = fc.property(fc.oneof(text, jsonText, made, fc.stringMatching(/^[a+#/c"]{0,8}$/)), (given) => {
      const parsed = parsePath(given);
      if (parsed.kind === 'unknown') return;
      const fields = parsed.kind === 'group' ? parsed.fields : [parsed.field];
      expect(fields.filter((field) => fieldProblem(field) !== null)).toEqual([]);
      if (parsed.kind !== 'element') return;
      expect(findJsonProblem(parsed.element)).toBe(null);
      expect(elementPath(parsed.field, parsed.element)).toBe(given);
    });
    await fuzz('paths', property, { runs: 6_000 });
  });

  it('[FZP4] messages between tabs: ignored, or what status and events can be made of', async () => {
    const problem = { code: 'OFFLINE', message: 'm' } as const;
    const state = {
      ...INITIAL_SYNC_STATE,
      reason: problem,
      progress: { direction: 'pull', done: 1, total: null },
    } as const;
    const messages: readonly TabMessage[] = [
      { type: 'state', state },
      { type: 'changed', touched: { notes: ['n'] } },
      { type: 'news', news: { at: 1, type: 'connection', connection: 'offline', reason: problem } },
      { type: 'news', news: { at: 1, type: 'refused', dot: 'd', error: problem } },
      { type: 'news', news: { at: 1, type: 'merged', collection: 'c', rowId: 'r', field: 'f', losers: [] } },
      { type: 'answer', ask: 'a' },
      { type: 'wake', ask: 'a' },
    ];
    const trap = { toString: 1, valueOf: 1 };
    const property = fc.property(fc.oneof(altered([...messages, { ...messages[0], trap }]), json), (given) => {
      if (!isTabMessage(given)) return;
      if (given.type === 'news' && !isProblem(given.news))
        expect(eventOfNews(given.news)).toMatchObject({ type: given.news.type });
      if (given.type === 'state') {
        const status = composeStatus({ link: given.state, pending: NOTHING_PENDING, conflicts: 0 });
        expect(typeof status.connection).toBe('string');
      }
      if (given.type === 'changed')
        expect(
          Object.values(given.touched)
            .flat()
            .every((id) => typeof id === 'string'),
        ).toBe(true);
    });
    await fuzz('messages between tabs', property, { runs: 6_000 });
    expect(isTabMessage({ type: 'state', state: { ...state, reason: { code: trap, message: 'm' } } })).toBe(false);
    expect(isTabMessage({ type: 'news', news: { at: 1, type: 'refused', dot: 'd' } })).toBe(false);
    expect(messages.every(isTabMessage)).toBe(true);
  });

  it('[FZP5] configuration: a configuration, help, or every problem with a name', async () => {
    const word = fc.oneof(
      text,
      fc.constantFrom(
        '--port',
        '--port=',
        '--data',
        '--static',
        '--origins',
        '--trust-proxy',
        '--help',
        '-h',
        '--',
        '-',
        '--no-port',
      ),
      fc.constantFrom(
        '0',
        '65536',
        '-1',
        '1e3',
        'a\u0000.db',
        '/',
        'https://a.example',
        'https://a.example/path',
        'null',
        '*',
      ),
    );
    const env = fc.dictionary(
      fc.constantFrom(
        'SKERRY_PORT',
        'SKERRY_DATA',
        'SKERRY_HOST',
        'SKERRY_STATIC',
        'SKERRY_ORIGINS',
        'SKERRY_LOG_LEVEL',
        '__proto__',
      ),
      word,
      { noNullPrototype: true },
    );
    const property = fc.property(fc.array(word, { maxLength: 5 }), env, (args, variables) => {
      const result = readConfig(args, variables);
      if (result.type === 'bad') expect(result.problems.filter((problem) => problem.length === 0)).toEqual([]);
      if (result.type === 'bad') expect(result.problems.length).toBeGreaterThan(0);
      if (result.type === 'ok')
        expect(Number.isInteger(result.config.port) && !result.config.file.includes('\0')).toBe(true);
    });
    await fuzz('configuration', property, { runs: 2_000 });
  });

  it('[FZP6] a frame is nested too deep, or too large, or names a member twice: refused before anything looks at it', () => {
    const ping = (rest: string): string => `{"type":"ping"${rest}}`;
    const twice = [
      ping(',"type":"ping"'),
      ping(',"ty\\u0070e":"ping"'),
      ping(',"x":{"a":1,"b":[{"c":1,"c":1}]}'),
      ping(',"x":[{"":1,"":1}]'),
      ping(',"__proto__":1,"__proto__":2'),
    ];
    for (const given of twice) {
      expect(decodeDeviceMessage(given, DEFAULT_LIMITS)).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
    }
    expect(decodeDeviceMessage(twice[2]!, DEFAULT_LIMITS)).toMatchObject({
      reason: expect.stringContaining('one name'),
    });
    const once = [
      ping(',"x":":\\":{"'),
      ping(',"x":{"a":{"a":{"a":[]}},"b":{"a":1}}'),
      ping(',"a:b":"c:d"'),
      ping(',"1":1,"01":1'),
    ];
    for (const given of once) expect(decodeDeviceMessage(given, DEFAULT_LIMITS)).toMatchObject({ type: 'ok' });
    const deep = ping(`,"x":${JSON.stringify(nested(80))}`);
    expect(decodeDeviceMessage(deep, DEFAULT_LIMITS)).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
  });
});

import type { IncomingMessage } from 'node:http';
import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import type { Hub } from '../hub/hub.ts';
import { createLogger } from '../log.ts';
import { refusalOf, type DoorOptions } from './door.ts';

const door = (rest: Partial<DoorOptions> = {}): DoorOptions => ({
  hub: { refusal: () => null } as Partial<Hub> as Hub,
  limits: DEFAULT_LIMITS,
  rules: {},
  loopbackOnly: false,
  meter: { turnedAway: () => undefined },
  requireTls: true,
  logger: createLogger('silent'),
  ...rest,
});

const request = (remoteAddress: string, rest: object = {}, headers: Record<string, string> = {}): IncomingMessage =>
  ({
    url: '/sync',
    rawHeaders: [],
    headers,
    socket: { remoteAddress, localAddress: '192.0.2.1', ...rest },
  }) as unknown as IncomingMessage;

describe('the door', () => {
  it('[HST6] from elsewhere only TLS comes in, whoever ends it; this machine is not the network', () => {
    expect(refusalOf(request('203.0.113.7'), door())).toBe(426);
    expect(refusalOf(request('203.0.113.7', {}, { 'x-forwarded-proto': 'https' }), door())).toBe(426);
    expect(refusalOf(request('203.0.113.7', { encrypted: true }), door())).toBeNull();
    expect(refusalOf(request('127.0.0.1'), door())).toBeNull();
    expect(refusalOf(request('203.0.113.7'), door({ requireTls: false }))).toBeNull();
    const trusting = door({ rules: { trustProxy: true } });
    expect(refusalOf(request('10.0.0.2', {}, { 'x-forwarded-proto': 'https' }), trusting)).toBeNull();
    expect(refusalOf(request('10.0.0.2'), trusting)).toBe(426);
    expect(refusalOf(request('127.0.0.1', {}, { 'x-forwarded-proto': 'http' }), trusting)).toBe(426);
  });

  it('[HST7] what the hub says of an address is the answer', () => {
    const asked: unknown[] = [];
    const hub = { refusal: (address: string | null) => (asked.push(address), 429) } as unknown as Hub;
    expect(refusalOf(request('203.0.113.7', { encrypted: true }), door({ hub }))).toBe(429);
    expect(asked).toEqual(['203.0.113.7']);
  });
});

import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';

import { addressOf, networkOf } from './address.ts';

const request = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

describe('addresses', () => {
  it('[ADR1] the address is that of the connection, and behind a trusted proxy the last that it names', () => {
    expect(addressOf(request('203.0.113.7', '198.51.100.1'), false)).toBe('203.0.113.7');
    expect(addressOf(request('127.0.0.1', '6.6.6.6, 198.51.100.1'), true)).toBe('198.51.100.1');
    // What is no address, an attacker's text say, counts for nothing.
    for (const forwarded of ['', 'unknown', '::1, <script>', '1.2.3.4:80']) {
      expect(addressOf(request('203.0.113.7', forwarded), true)).toBe('203.0.113.7');
    }
    expect(addressOf(request('::ffff:203.0.113.7'), false)).toBe('203.0.113.7');
  });

  it('[ADR2] limits count an IPv4 address, the /64 of an IPv6 address, and this machine not at all', () => {
    expect(networkOf('203.0.113.7')).toBe('203.0.113.7');
    const same = ['2001:db8:0:1::1', '2001:0db8::1:ffff:1:2:3', '2001:db8:0:1:1:2:3:4', '2001:db8:0:1::%eth0'];
    expect(new Set(same.map(networkOf))).toEqual(new Set(['2001:db8:0:1::/64']));
    expect(networkOf('2001:db8::')).toBe('2001:db8:0:0::/64');
    for (const own of ['127.0.0.1', '127.3.2.1', '::1', null]) expect(networkOf(own)).toBeNull();
  });
});

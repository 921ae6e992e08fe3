/**
 * Where a request comes from, as something that can be counted: limits for one address hold for the network that one
 * customer of a provider gets, because of IPv6 everybody has more addresses than can be remembered.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';

import { isLoopback } from './loopback.ts';

/**
 * The address of whoever asks; behind a proxy that is trusted, the one that it has seen. Asked for while the socket is
 * there, so that it stays known.
 */
export function addressOf({ headers, socket }: IncomingMessage, trustProxy: boolean): string | null {
  const forwarded = trustProxy ? headers['x-forwarded-for'] : undefined;
  const last = typeof forwarded === 'string' ? forwarded.split(',').at(-1)!.trim() : '';
  const address = isIP(last) === 0 ? socket.remoteAddress : last;
  return address === undefined ? null : plain(address);
}

/** What limits for one address count; null for this machine, which is a proxy for everybody or nobody's enemy. */
export function networkOf(address: string | null): string | null {
  if (address === null || isLoopback(address)) return null;
  return isIPv4(address) ? address : prefixOf(address);
}

/** IPv4 that came through a socket of IPv6 is written as IPv4. */
function plain(address: string): string {
  const v4 = address.replace(/^::ffff:/i, '');
  return isIPv4(v4) ? v4 : address.toLowerCase();
}

/** The first 64 bits of an address of IPv6, spelled in one way. */
function prefixOf(address: string): string {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::') as [string?, string?];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/**
 * Whether a browser page may open a WebSocket here. Browsers send the page's origin and do not ask first, so a server
 * that accepts every origin lets every page on the internet act as its visitor.
 */
import type { IncomingHttpHeaders } from 'node:http';

import { isLoopback } from './loopback.ts';

export interface OriginRules {
  /** Exact origins; without them, only pages of the host that the request was sent to. */
  readonly origins?: readonly string[];
  /** Take the host from X-Forwarded-Host, which only a proxy in front can be trusted with. */
  readonly trustProxy?: boolean;
  /**
   * Pages that this machine serves may connect too, whatever their port: in development the app has a server of its own. Nobody
   * else's page can have such an origin, and a program of this machine needs none to connect.
   */
  readonly ownMachine?: boolean;
}

/** A request without an Origin header comes from no page. */
export function isOriginAllowed(headers: IncomingHttpHeaders, rules: OriginRules): boolean {
  const { origins, trustProxy, ownMachine } = rules;
  const { origin } = headers;
  if (origin === undefined) return true;
  const url = originUrl(origin);
  if (!url) return false;
  if (origins) return origins.some((allowed) => originUrl(allowed)?.origin === url.origin);
  if (ownMachine && isLoopback(url.hostname)) return true;
  const forwarded = trustProxy ? headers['x-forwarded-host'] : undefined;
  const host = typeof forwarded === 'string' ? forwarded.split(',')[0]!.trim() : headers.host;
  return host !== undefined && sameHost(url, host);
}

/** `http://host:port` and nothing else: not `null`, not a list, not with a path. */
export function originUrl(origin: string): URL | null {
  if (!/^https?:\/\/[^/?#@\s,]+$/i.test(origin) || !URL.canParse(origin)) return null;
  return new URL(origin);
}

/** A default port may be left out on either side. */
function sameHost(origin: URL, host: string): boolean {
  const other = originUrl(`${origin.protocol}//${host}`);
  return other !== null && other.host === origin.host;
}

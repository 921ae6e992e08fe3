/**
 * Whether a browser page may open a WebSocket here. Browsers send the page's origin and do not ask first, so a server
 * that accepts every origin lets every page on the internet act as its visitor.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface OriginRules {
  /** Exact origins; without them, only pages of the host that the request was sent to. */
  readonly origins?: readonly string[];
  /** Take the host from X-Forwarded-Host, which only a proxy in front can be trusted with. */
  readonly trustProxy?: boolean;
}

/** A request without an Origin header comes from no page. */
export function isOriginAllowed(headers: IncomingHttpHeaders, { origins, trustProxy }: OriginRules): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  const url = originUrl(origin);
  if (!url) return false;
  if (origins) return origins.some((allowed) => originUrl(allowed)?.origin === url.origin);
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

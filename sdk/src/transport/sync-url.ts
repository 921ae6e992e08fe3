/** Where the server listens, as a WebSocket address. */
import { SkerryError } from '../lib/errors.ts';

/**
 * Resolves what open() was given, such as '/sync', against the origin of the page: its worker may come from elsewhere.
 * http and https become ws and wss. An address without a path means /sync, where every server listens, also one inside another
 * app's server. Throws INVALID_OPTION for anything that is not such an address.
 */
export function resolveSyncUrl(url: string, origin: string | undefined): string {
  const resolved = parse(url, origin);
  if (resolved === null)
    throw invalid(
      url,
      origin === undefined ? 'outside a page, it must begin with ws:// or wss://' : 'it is not an address',
    );
  if (resolved.protocol === 'http:') resolved.protocol = 'ws:';
  if (resolved.protocol === 'https:') resolved.protocol = 'wss:';
  if (resolved.protocol !== 'ws:' && resolved.protocol !== 'wss:')
    throw invalid(url, `${resolved.protocol} is not ws: or wss:`);
  if (resolved.pathname === '/') resolved.pathname = '/sync';
  // WebSocket refuses an address with a fragment.
  resolved.hash = '';
  return resolved.href;
}

function parse(url: string, origin: string | undefined): URL | null {
  try {
    return new URL(url, origin);
  } catch {
    return null;
  }
}

function invalid(url: string, reason: string): SkerryError {
  return new SkerryError('INVALID_OPTION', `sync.url ${JSON.stringify(url)} cannot be used: ${reason}.`);
}

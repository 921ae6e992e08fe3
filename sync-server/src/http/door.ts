/** Who may begin to talk at all, decided before anything is kept for them: the same for a WebSocket and a link over HTTP. */
import type { IncomingMessage } from 'node:http';
import type { Limits } from '@skerry/sdk/kernel';

import type { Hub } from '../hub/hub.ts';
import type { Logger } from '../log.ts';
import type { HubMeter } from '../metrics/meter.ts';
import { addressOf } from './address.ts';
import { isLoopback } from './loopback.ts';
import { isOriginAllowed, type OriginRules } from './origin.ts';
import { pathOf } from './path.ts';

export interface DoorOptions {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly rules: OriginRules;
  /** Development mode: nobody is asked who they are, so nobody from elsewhere is let in. */
  readonly loopbackOnly: boolean;
  /** Devices of other machines must come over TLS: what they send says who they are. */
  readonly requireTls: boolean;
  readonly meter: Pick<HubMeter, 'turnedAway'>;
  readonly logger: Logger;
}

/** Addresses that speak the protocol; `/` is for clients that were given nothing but a host. */
const SYNC_PATHS: ReadonlySet<string> = new Set(['/sync', '/']);

export function isSyncPath(request: IncomingMessage): boolean {
  return SYNC_PATHS.has(pathOf(request));
}

/** The status that says why not; null for whoever may come in. */
export function refusalOf(request: IncomingMessage, options: DoorOptions): number | null {
  if (hasTooManyHeaders(request)) return 431;
  return isSyncPath(request) ? entryRefusal(request, options) : 404;
}

/** The same, wherever somebody wants to come in. */
export function entryRefusal(
  request: IncomingMessage,
  options: Omit<DoorOptions, 'limits'>,
): 403 | 426 | 429 | 503 | null {
  if (!mayTalk(request, options)) return 403;
  if (options.requireTls && !isPrivate(request, options)) return 426;
  return options.hub.refusal(peerAddress(request, options));
}

/** Address of whoever asks, as far as it can be trusted. */
export function peerAddress(request: IncomingMessage, { rules }: Pick<DoorOptions, 'rules'>): string | null {
  return addressOf(request, rules.trustProxy ?? false);
}

/** No browser sends half as many. Node drops what is behind the 2,000th, and an origin may be among that. */
const MOST_HEADERS = 100;

export function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.length > 2 * MOST_HEADERS;
}

/**
 * Whether nobody on the way can have read it: TLS, or inside of this machine. A proxy that is trusted says what came to it;
 * one that says nothing has come over TLS itself, or not.
 */
function isPrivate({ headers, socket }: IncomingMessage, { rules }: Pick<DoorOptions, 'rules'>): boolean {
  const proto = rules.trustProxy ? headers['x-forwarded-proto'] : undefined;
  if (typeof proto === 'string') return /^(?:https|wss)$/i.test(proto.split(',').at(-1)!.trim());
  return 'encrypted' in socket || isLoopback(socket.remoteAddress ?? '');
}

/** Whether pages of this origin, and machines at this address, are served at all. */
export function mayTalk(
  request: IncomingMessage,
  { rules, loopbackOnly }: Pick<DoorOptions, 'rules' | 'loopbackOnly'>,
): boolean {
  if (!isOriginAllowed(request.headers, rules)) return false;
  return !loopbackOnly || isLoopback(request.socket.localAddress ?? '');
}

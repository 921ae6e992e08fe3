/** Who may begin to talk at all, decided before anything is kept for them: the same for a WebSocket and a link over HTTP. */
import type { IncomingMessage } from 'node:http';
import type { Limits } from '@skerry/sdk/kernel';

import type { Hub } from '../hub/hub.ts';
import type { Logger } from '../log.ts';
import { isLoopback } from './loopback.ts';
import { isOriginAllowed, type OriginRules } from './origin.ts';
import { pathOf } from './requests.ts';

export interface DoorOptions {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly rules: OriginRules;
  /** Development mode: nobody is asked who they are, so nobody from elsewhere is let in. */
  readonly loopbackOnly: boolean;
  readonly logger: Logger;
}

/** Addresses that speak the protocol; `/` is for clients that were given nothing but a host. */
const SYNC_PATHS: ReadonlySet<string> = new Set(['/sync', '/']);

export function isSyncPath(request: IncomingMessage): boolean {
  return SYNC_PATHS.has(pathOf(request));
}

/** The status that says why not; null for whoever may come in. */
export function refusalOf(request: IncomingMessage, options: DoorOptions): number | null {
  if (!isSyncPath(request)) return 404;
  if (!mayTalk(request, options)) return 403;
  return options.hub.isReady && !options.hub.isCrowded ? null : 503;
}

/** Whether pages of this origin, and machines at this address, are served at all. */
export function mayTalk(
  request: IncomingMessage,
  { rules, loopbackOnly }: Pick<DoorOptions, 'rules' | 'loopbackOnly'>,
): boolean {
  if (!isOriginAllowed(request.headers, rules)) return false;
  return !loopbackOnly || isLoopback(request.socket.localAddress ?? '');
}

/** HTTP requests: links of devices, health for whoever watches the server, and the files of the app, if there is one. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { failureFields, type Logger } from '../log.ts';
import { hasTooManyHeaders } from './door.ts';
import { SECURITY_HEADERS } from './headers.ts';
import type { LinkHandler } from './links.ts';
import { metricsRefusal, type MetricsRules } from './metrics-door.ts';
import { pathOf } from './path.ts';
import { respond, respondText } from './respond.ts';
import type { SpacesHandler } from './spaces.ts';
import { serveFolder } from './static.ts';

export interface RequestOptions {
  readonly isReady: () => boolean;
  readonly folder: string | null;
  readonly links: LinkHandler;
  /** Whoever may not read them is answered as if there were none. */
  readonly metrics: MetricsRules & { readonly text: () => Promise<string> };
  readonly spaces: SpacesHandler;
  readonly logger: Logger;
}

export function createRequestHandler(
  options: RequestOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const files = options.folder === null ? null : serveFolder(options.folder);
  return (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    route(request, response, options, files).catch((failure: unknown) => {
      // A reader that went away in the middle of a file is nobody's failure.
      if (response.destroyed) return;
      options.logger.error('request-failed', failureFields(failure));
      if (response.headersSent) response.destroy();
      else respond(response, 500, 'internal error');
    });
  };
}

/** The text format of Prometheus. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  { isReady, links, spaces, metrics }: RequestOptions,
  files: ReturnType<typeof serveFolder> | null,
): Promise<void> {
  if (hasTooManyHeaders(request)) return respond(response, 431, 'too many headers');
  if (links.isFor(request)) return links.handle(request, response);
  if (spaces.isFor(request)) return spaces.handle(request, response);
  const path = pathOf(request);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return respond(response, 405, 'method not allowed');
  }
  if (path === '/metrics') {
    const refusal = metricsRefusal(request, metrics);
    if (refusal === null) return respondText(response, METRICS_TYPE, await metrics.text());
    if (refusal === 401) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return respond(response, 401, 'these metrics need a token');
    }
  }
  switch (path) {
    case '/healthz':
      return respond(response, 200, { status: 'ok' });
    case '/readyz':
      return isReady() ? respond(response, 200, { status: 'ready' }) : respond(response, 503, { status: 'not ready' });
    case '/sync':
      return respond(response, 426, 'this address speaks WebSocket, or POST');
    default:
      return files ? files(request, response, path) : respond(response, 404, 'not found');
  }
}

/** Some requests of a server that is somebody else's: the others go to its own listeners as before. */
import type { IncomingMessage, RequestListener, Server } from 'node:http';

/** Returns how to give everything back. */
export function attachRequests(
  server: Server,
  isOurs: (request: IncomingMessage) => boolean,
  ours: RequestListener,
): () => void {
  const theirs = server.listeners('request') as RequestListener[];
  const listener: RequestListener = (request, response) => {
    if (isOurs(request)) return ours(request, response);
    for (const their of theirs) their.call(server, request, response);
  };
  server.removeAllListeners('request');
  server.on('request', listener);
  return () => {
    server.off('request', listener);
    for (const their of theirs) server.on('request', their);
  };
}

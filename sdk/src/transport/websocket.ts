/**
 * The transport over the platform's WebSocket, in pages, workers and Node.
 *
 * A captive portal, a redirect or any other HTTP answer fails the handshake and ends as `closed`; so does a server that
 * takes longer than the time limit to open.
 */
import { CLOSE } from '../protocol/messages.ts';
import type { Transport, TransportHandlers, TransportLink } from './transport.ts';

export interface WebSocketTransportOptions {
  /** Most time until the connection is open. Default 10 s. */
  readonly connectMs?: number;
}

const NO_CODE = 1006;

export function createWebSocketTransport({ connectMs = 10_000 }: WebSocketTransportOptions = {}): Transport {
  return {
    connect(url, handlers) {
      const socket = openSocket(url);
      if (socket !== null) return attach(socket, handlers, connectMs);
      return closeSoon(handlers, `The address ${url} cannot be connected to.`);
    },
  };
}

function attach(socket: WebSocket, handlers: TransportHandlers, connectMs: number): TransportLink {
  let isOver = false;
  /** Nothing is heard of the socket afterwards: late events of an old connection end here. */
  const end = (): void => {
    isOver = true;
    clearTimeout(limit);
  };
  const give = (code: number, reason: string): void => {
    if (isOver) return;
    end();
    handlers.closed(code, reason);
  };
  const limit = setTimeout(() => {
    give(NO_CODE, `The server did not answer within ${connectMs / 1000} s.`);
    socket.close();
  }, connectMs);

  socket.addEventListener('open', () => {
    clearTimeout(limit);
    if (!isOver) handlers.opened('websocket');
  });
  socket.addEventListener('message', ({ data }) => {
    if (isOver) return;
    if (typeof data === 'string') return handlers.frame(data);
    give(CLOSE.badFrame, 'The server sent a binary frame.');
    socket.close(CLOSE.badFrame);
  });
  socket.addEventListener('close', ({ code, reason }) => give(code, reason));

  return {
    send(text) {
      // A socket that is closing drops what is sent; its close event follows.
      if (!isOver && socket.readyState === socket.OPEN) socket.send(text);
    },
    close() {
      if (isOver) return;
      end();
      socket.close(CLOSE.normal);
    },
  };
}

/** Null where the platform refuses the address, for instance ws: from a page on https. */
function openSocket(url: string): WebSocket | null {
  try {
    return new WebSocket(url);
  } catch {
    return null;
  }
}

function closeSoon(handlers: TransportHandlers, reason: string): TransportLink {
  const soon = setTimeout(() => handlers.closed(NO_CODE, reason), 0);
  return { send: () => undefined, close: () => clearTimeout(soon) };
}

/**
 * The transport over the platform's WebSocket, in pages, workers and Node.
 *
 * A captive portal, a redirect or any other HTTP answer fails the handshake and ends as `closed`; so does a server that
 * takes longer than the time limit to open.
 *
 * A binary message is a deflated frame. Packing and unpacking take a moment, in which everything else of its direction waits.
 */
import { isSendable, isWorthDeflating } from '../protocol/deflated.ts';
import { CLOSE } from '../protocol/messages.ts';
import { canDeflate, deflate, inflate } from './deflate.ts';
import { inOrder, type Step } from './in-order.ts';
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
  socket.binaryType = 'arraybuffer';
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
  const came = inOrder();
  const bad = (): void => {
    give(CLOSE.badFrame, 'The server sent a binary message that is no frame.');
    socket.close(CLOSE.badFrame);
  };
  const frame = (text: string): void => {
    if (!isOver) handlers.frame(text);
  };
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (isOver) return;
    if (typeof data === 'string') return came(() => frame(data));
    if (!canDeflate()) return came(bad);
    came(
      inflate(data).then(
        (text) => () => frame(text),
        () => bad,
      ),
    );
  });
  socket.addEventListener('close', ({ code, reason }) => came(() => give(code, reason)));

  const leaves = inOrder();
  let deflates = false;
  const put = (frame: string | Uint8Array<ArrayBuffer>): void => {
    // A socket that is closing drops what is sent; its close event follows.
    if (!isOver && socket.readyState === socket.OPEN) socket.send(frame);
  };
  return {
    canDeflate: canDeflate(),
    deflate: () => {
      deflates = true;
    },
    send(text) {
      leaves(deflates && isWorthDeflating(text) ? packed(text, put) : () => put(text));
    },
    close() {
      if (isOver) return;
      end();
      socket.close(CLOSE.normal);
    },
  };
}

function packed(text: string, put: (frame: string | Uint8Array<ArrayBuffer>) => void): Promise<Step> {
  return deflate(text).then(
    (bytes) => () => put(isSendable(text, bytes) ? bytes : text),
    () => () => put(text),
  );
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

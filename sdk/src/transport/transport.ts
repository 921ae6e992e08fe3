/**
 * The port to the network: text frames to one server and back. A WebSocket in production, plain HTTP where that is
 * blocked, wires in the simulation.
 */
export interface Transport {
  /** Never throws; what goes wrong is told by `closed`. Handlers are called later, never from inside connect(). */
  connect(url: string, handlers: TransportHandlers): TransportLink;
}

/** What carries the frames of a link. */
export type TransportKind = 'websocket' | 'http';

export interface TransportHandlers {
  /** Frames can be sent. Only a welcome proves that a server of ours is at the other end. `via`: for people who look. */
  opened(via?: TransportKind): void;
  frame(text: string): void;
  /** The end, told once; nothing follows. Codes are those of WebSocket, 1006 when there was none. */
  closed(code: number, reason: string): void;
}

export interface TransportLink {
  send(text: string): void;
  /** Deflated frames can be read on this link, and sent; known when it is open. */
  readonly canDeflate?: boolean;
  /** The server reads deflated frames: from now on they may be sent. */
  deflate?(): void;
  /** No handler is called afterwards. */
  close(): void;
}

/**
 * The other end of a connection as the hub sees it: a WebSocket of `ws`, or a link over HTTP that behaves like one. What
 * is named here is all that the hub uses of either.
 */
import type { RawData } from 'ws';

export interface Peer {
  readonly OPEN: number;
  readonly readyState: number;
  /** Bytes that were sent and have not left, or that the device has not confirmed. */
  readonly bufferedAmount: number;
  /** Of a peer that carries binary messages. */
  readonly binaryType?: string;
  send(frame: string | Uint8Array, done?: () => void): void;
  /** Says goodbye; 'close' follows when the peer knows, or after terminate(). */
  close(code: number, reason: string): void;
  /** Nothing that the device sends is taken in until resume(): it waits where it is. */
  pause(): void;
  resume(): void;
  /** Ends it without a word. */
  terminate(): void;
  on(event: 'message', listener: (data: RawData | string, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (failure: Error) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** Who may come in and who may write: the application's callbacks, with what holds when it gives none. */
import type { IncomingMessage } from 'node:http';
import type { Change } from '@skerry/sdk/kernel';

/** Somebody whom `authenticate` vouches for. */
export interface Principal {
  readonly id: string;
  readonly name?: string;
  /** Until when, in milliseconds since 1970. Then its connections are asked to show another token. */
  readonly expiresAt?: number;
  /** Since when, if that is known: what ends all sessions of a user ends those that began before. */
  readonly issuedAt?: number;
}

/** Null when the token is not good. One that throws is no verdict: the device comes again with the same token. */
export type Authenticate = (token: string | undefined, request: IncomingMessage) => Promise<Principal | null>;

export interface Access {
  /** Without it the server is in development mode: everybody, on loopback only. `jwt()` makes one. */
  readonly authenticate?: Authenticate;
  /** A function of its arguments only: asked again about the same change, it answers the same. Without it: yes. */
  readonly authorize?: (
    principal: Principal | null,
    action: 'read' | 'write',
    space: string,
    change?: Change,
  ) => boolean | Promise<boolean>;
}

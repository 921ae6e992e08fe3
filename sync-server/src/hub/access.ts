/** Who may come in and who may write: the application's callbacks, with what holds when it gives none. */
import type { IncomingMessage } from 'node:http';
import type { Change } from '@skerry/sdk/kernel';

/** Somebody whom `authenticate` vouches for. */
export interface Principal {
  readonly id: string;
  readonly name?: string;
}

export interface Access {
  /** Null when the token is not good. Without it the server is in development mode: everybody, on loopback only. */
  readonly authenticate?: (token: string | undefined, request: IncomingMessage) => Promise<Principal | null>;
  /** A function of its arguments only: asked again about the same change, it answers the same. Without it: yes. */
  readonly authorize?: (
    principal: Principal | null,
    action: 'read' | 'write',
    space: string,
    change?: Change,
  ) => boolean | Promise<boolean>;
}

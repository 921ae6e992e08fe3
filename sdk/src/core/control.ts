/**
 * Control entries: what a server tells every replica in its own stream, numbered and ordered like a change. From them
 * each replica computes, without asking anybody, what is known everywhere and what may be forgotten (`topology.ts`).
 */
import type { Sid, VersionVector } from './version-vector.ts';

export type Control = Publication | Membership | Eviction;

/** Where a server stands and what it promises; made only when it has applied something or its horizon has moved. */
export interface Publication {
  readonly t: 'pub';
  /** The server's `K` when it wrote this. */
  readonly knows: VersionVector;
  /** `A`: the server admits no operation on a record whose delete is at or below this. It never goes back. */
  readonly horizon: VersionVector;
  /** What outlives the loss of this server's disk, as far as it knows: what a backup holds. */
  readonly safe?: VersionVector;
}

/** A server joins: from here on nothing is known everywhere that it does not know. */
export interface Membership {
  readonly t: 'member';
  readonly sid: Sid;
}

/** A server is gone for good: its stream ends at `final`, and nobody waits for it. */
export interface Eviction {
  readonly t: 'evict';
  readonly sid: Sid;
  readonly final: number;
}

/**
 * What a server answers to a hello: go on with the log, begin with a snapshot, or do not talk, because one of the two
 * is not what the other thinks.
 */
import { covers, countOf, type Sid, type VersionVector } from '../core/version-vector.ts';
import type { Bootstrap, Chain, Hello } from '../protocol/messages.ts';
import type { SpaceMeta } from './space.ts';

export type Handshake =
  | { readonly type: 'log' }
  | { readonly type: 'snapshot'; readonly why: Bootstrap['why'] }
  /** This server shares no history with the device: another one, or one that lost its data. */
  | { readonly type: 'replaced'; readonly message: string }
  /** A snapshot from here would take back what the device has seen by another server. */
  | { readonly type: 'behind'; readonly message: string };

export interface HandshakeFacts {
  readonly sid: Sid;
  readonly meta: SpaceMeta;
  /** Chain hash of a stream at a number, where the log still has it. */
  readonly chainAt: (sid: Sid, n: number) => string | undefined;
}

export function greet(hello: Pick<Hello, 'cursor' | 'chain' | 'wantsSnapshot'>, facts: HandshakeFacts): Handshake {
  const { cursor } = hello;
  const { sid, meta } = facts;
  if (isStranger(cursor, facts))
    return { type: 'replaced', message: 'this server has another history than the one that the cursor names' };
  const forks = forkedStreams(cursor, hello.chain ?? {}, facts);
  const why =
    forks.size > 0 ? 'forked' : !covers(cursor, meta.truncated) ? 'truncated' : hello.wantsSnapshot && 'asked';
  if (!why) return { type: 'log' };
  const ahead = Object.keys(cursor).find((other) => !forks.has(other) && countOf(meta.cursor, other) < cursor[other]!);
  if (ahead === undefined) return { type: 'snapshot', why };
  if (why === 'asked') return { type: 'log' };
  return { type: 'behind', message: `the device has seen more of ${ahead} than ${sid} has` };
}

/** A device that has applied something, and none of it from a server that this one knows. */
function isStranger(cursor: VersionVector, { sid, meta }: HandshakeFacts): boolean {
  const applied = Object.keys(cursor).filter((other) => cursor[other]! > 0);
  const { members, evicted } = meta.topology;
  const isKnown = (other: Sid): boolean =>
    other === sid || Object.hasOwn(members, other) || Object.hasOwn(evicted, other) || countOf(meta.cursor, other) > 0;
  return applied.length > 0 && !applied.some(isKnown);
}

/**
 * Streams of which the device holds entries that exist no more: behind the end of a server that is gone, behind the end
 * of this very server, or with another chain hash at the same number.
 */
function forkedStreams(cursor: VersionVector, chain: Chain, { sid, meta, chainAt }: HandshakeFacts): ReadonlySet<Sid> {
  const { evicted } = meta.topology;
  const isForked = (other: Sid): boolean => {
    const n = cursor[other]!;
    if (Object.hasOwn(evicted, other) && n > evicted[other]!) return true;
    if (other === sid && n > countOf(meta.cursor, sid)) return true;
    const ours = chainAt(other, n);
    return ours !== undefined && Object.hasOwn(chain, other) && chain[other] !== ours;
  };
  return new Set(Object.keys(cursor).filter((other) => cursor[other]! > 0 && isForked(other)));
}

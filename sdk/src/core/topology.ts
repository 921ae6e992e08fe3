/**
 * The servers of a space as a replica knows them from the streams it has applied, and the two vectors that follow:
 * `R`, what every server knows, and `G`, the horizon that every server has promised. With one server `R` is `K`.
 */
import type { Control } from './control.ts';
import { countOf, type Sid, type Stamp, type VersionVector } from './version-vector.ts';

export interface Topology {
  /** The servers that count, with what each published last. */
  readonly members: Readonly<Record<Sid, Published>>;
  /** Servers that are gone for good, with the last number of their streams. */
  readonly evicted: VersionVector;
}

export interface Published {
  readonly knows: VersionVector;
  readonly horizon: VersionVector;
  readonly safe: VersionVector;
}

const NOTHING: Published = { knows: {}, horizon: {}, safe: {} };

/** A space whose servers are these from the beginning. */
export function foundTopology(sids: readonly Sid[]): Topology {
  return { members: Object.fromEntries(sids.map((sid) => [sid, NOTHING])), evicted: {} };
}

/** The topology after an entry of the stream of `stamp`. */
export function applyControl(topology: Topology, [sid]: Stamp, control: Control): Topology {
  const { members, evicted } = topology;
  switch (control.t) {
    case 'pub': {
      if (!Object.hasOwn(members, sid)) return topology;
      const { knows, horizon, safe = {} } = control;
      return { members: { ...members, [sid]: { knows, horizon, safe } }, evicted };
    }
    case 'member':
      if (Object.hasOwn(members, control.sid) || Object.hasOwn(evicted, control.sid)) return topology;
      return { members: { ...members, [control.sid]: NOTHING }, evicted };
    case 'evict': {
      const { [control.sid]: _gone, ...rest } = members;
      return { members: rest, evicted: { ...evicted, [control.sid]: control.final } };
    }
    default:
      // A newer server's: passed on, without meaning here.
      return topology;
  }
}

/** `R`: what every member knows, for a replica that has applied `cursor`. */
export function knownEverywhere({ members }: Topology, cursor: VersionVector): VersionVector {
  const sids = Object.keys(members);
  // What a replica has, it has from the only server there is.
  if (sids.length <= 1) return cursor;
  return least(sids.map((sid) => ({ ...members[sid]!.knows, [sid]: countOf(cursor, sid) })));
}

/** `G`: no server admits an operation on a record whose delete is at or below this. */
export function commonHorizon({ members }: Topology): VersionVector {
  return least(Object.values(members).map((member) => member.horizon));
}

/** What survives the loss of any one server: known to all of several, or held by a backup of one. */
export function safelyKept(topology: Topology, cursor: VersionVector): VersionVector {
  const [only, ...others] = Object.values(topology.members);
  return others.length === 0 ? (only?.safe ?? {}) : knownEverywhere(topology, cursor);
}

/** For every server the smallest count; one that a vector does not name counts 0 there. */
export function least(vectors: readonly VersionVector[]): VersionVector {
  const [first, ...others] = vectors;
  const entries = Object.entries(first ?? {}).map(
    ([sid, n]) => [sid, others.reduce((min, vector) => Math.min(min, countOf(vector, sid)), n)] as const,
  );
  return Object.fromEntries(entries.filter(([, n]) => n > 0));
}

/** Whether the vector has come as far as the stamp. */
export function reaches(vector: VersionVector, [sid, n]: Stamp): boolean {
  return countOf(vector, sid) >= n;
}

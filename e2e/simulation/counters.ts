/** How often each interesting thing happened. What must have happened in many seeds, and never did, fails their run. */
export class Counters {
  readonly #times = new Map<string, number>();

  count(name: string, by = 1): void {
    if (by > 0) this.#times.set(name, (this.#times.get(name) ?? 0) + by);
  }

  get all(): ReadonlyMap<string, number> {
    return this.#times;
  }
}

export const DEVICE_CLOCK = 'clock jumped';
export const SERVER_CLOCK = "server's clock jumped";

/** A run of fewer seeds may miss the rarest. */
export const SEEDS_TO_SEE_ALL = 200;
export const SEEDS_TO_SEE_RARE = 1_000;

/** Takes several of them at once. */
export const MUST_HAPPEN_RARELY: readonly string[] = ['server restored with its old identity'];

/** What a run of many seeds must have seen, or it proves less than it says. */
export const MUST_HAPPEN: readonly string[] = [
  'write',
  'delete',
  'conflict resolved',
  'decided: field',
  'decided: delete',
  'decided: recovered',
  'several steps in one transaction',
  'transaction over several records',
  'form saved',
  'resolution concurrent with an edit',
  'constraint: allowed',
  'constraint: rooms open at the end',
  'constraint: seats open at the end',
  'constraint: mentions open at the end',
  'constraint: tree open at the end',
  'open at the end: field',
  'open at the end: delete',
  'open at the end: three versions or more',
  'link cut',
  'frames of an old link arrive late',
  'frame truncated',
  'unreachable for a while',
  'deaf for a while',
  'mute for a while',
  'slow for a while',
  'stuttering for a while',
  'syncing context crashed',
  'browser restarted',
  'profile put back',
  'profile cloned',
  'tail lost',
  'disk full',
  'write refused by a full disk',
  DEVICE_CLOCK,
  SERVER_CLOCK,
  'restamped',
  'two versions of the app',
  'record corrupted',
  'corruption repaired',
  'version put into quarantine',
  'snapshot asked for',
  'snapshot taken',
  'kept as rejected',
  'rejected: discard',
  'rejected: retry',
  'rejected: other value',
  'moved to a recovered copy',
  'device moved to another server',
  'second tab at another server',
  'change offered again',
  'lost with its disk',
  'servers parted',
  'server killed',
  'server killed often',
  'server down for a while',
  'server restored',
  'server lost',
  'server evicted',
  'alias',
  'server: accepted',
  'server: duplicate',
  'server: published',
  'server: pulled',
  'server: log cut',
  'server: tombstone expired',
  'server: hello: truncated',
  'server: hello: forked',
  'server: hello: asked',
  'server: snapshot resumed',
  'server: CLOCK',
  'server: GAP',
  'server: BEHIND',
  'server: GONE',
  'server: LIMBO',
  'server: FORBIDDEN',
];

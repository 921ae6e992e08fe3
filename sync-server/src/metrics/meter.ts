/** What the hub says about itself for metrics: as it happens, and when asked. */
import type { ErrorCode } from '@skerry/sdk/kernel';

export interface HubMeter {
  /** A transaction is durable: how long it took, for how many pushes, with how many new changes. */
  committed(ms: number, pushes: number, changes: number): void;
  /** A push was answered, so long after it came in. */
  acknowledged(ms: number): void;
  /** A change or a connection was refused. */
  refused(code: ErrorCode): void;
  /** Somebody was refused with an HTTP status before a connection was made. */
  turnedAway(status: number): void;
  /** This server has closed a connection. */
  closed(code: number): void;
}

export interface Figures {
  readonly connections: number;
  /** Of them those that were not let in yet. */
  readonly waiting: number;
  readonly spaces: number;
  readonly snapshots: number;
  /** Pushes that wait for their transaction. */
  readonly pushes: number;
  /** Bytes that were sent and have not left, of all connections and the most of one. */
  readonly queueBytes: number;
  readonly queueBytesMax: number;
  /** Entries of logs that devices were not sent yet, of all connections and the most of one. */
  readonly lagEntries: number;
  readonly lagEntriesMax: number;
}

/** One connection, as far as the figures are about it. */
export interface Load {
  readonly isWelcome: boolean;
  readonly queueBytes: number;
  readonly lagEntries: number;
}

export function sumUp(loads: Iterable<Load>, rest: Pick<Figures, 'spaces' | 'snapshots' | 'pushes'>): Figures {
  let [connections, waiting, queueBytes, queueBytesMax, lagEntries, lagEntriesMax] = [0, 0, 0, 0, 0, 0];
  for (const load of loads) {
    connections++;
    if (!load.isWelcome) waiting++;
    queueBytes += load.queueBytes;
    queueBytesMax = Math.max(queueBytesMax, load.queueBytes);
    lagEntries += load.lagEntries;
    lagEntriesMax = Math.max(lagEntriesMax, load.lagEntries);
  }
  return { connections, waiting, queueBytes, queueBytesMax, lagEntries, lagEntriesMax, ...rest };
}

/** A space as the memory storage has it. */
import { newSpaceMeta } from '@skerry/sdk/kernel';
import type { Dot, Inc, KnownWriter, NewEntry, RecordState, Sid, SpaceMeta, Writer } from '@skerry/sdk/kernel';

export interface SpaceData {
  meta: SpaceMeta;
  /** What of the log is kept, in order. */
  log: NewEntry[];
  readonly hashes: Map<Dot, string>;
  readonly known: Map<Inc, KnownWriter>;
  readonly writers: Map<Inc, Writer>;
  readonly records: Map<string, RecordState>;
  /** Bytes of the text of each record. */
  readonly sizes: Map<string, number>;
  /** Bytes of the texts of log and records. */
  bytes: number;
}

export function emptySpace(sid: Sid): SpaceData {
  return {
    meta: newSpaceMeta([sid]),
    log: [],
    hashes: new Map(),
    known: new Map(),
    writers: new Map(),
    records: new Map(),
    sizes: new Map(),
    bytes: 0,
  };
}

export function pick<K, V>(map: ReadonlyMap<K, V>, keys: readonly K[]): ReadonlyMap<K, V> {
  const found = new Map<K, V>();
  for (const key of keys) {
    const value = map.get(key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}

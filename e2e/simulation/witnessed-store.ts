/** A device's storage under observation: what it is told is noted beside its disk, and the disk can be full. */
import { countOf, SkerryError, type Dot, type LogEntry } from '@skerry/sdk/kernel';
import { MemoryDevice, type MemoryDeviceOptions } from '@skerry/sdk/testing';

import type { DotSet } from './dot-set.ts';
import type { Knowledge, Truth } from './truth.ts';
import { Violation } from './violation.ts';

const ALL = { changes: 1_000_000, bytes: Infinity };

/** What is kept beside a disk. */
export interface Profile {
  readonly name: string;
  readonly knowledge: Knowledge;
  readonly isFull: boolean;
  /** Everything that a person at it sees. */
  visible(): DotSet;
  /** Of that, what a write at it has seen. */
  informed(): DotSet;
  /** It has gone over to a snapshot, and put so many versions of records into quarantine. */
  switched(knowledge: Knowledge, discarded: number): void;
}

export class WitnessedStore extends MemoryDevice {
  readonly #profile: Profile;
  readonly #truth: Truth;
  readonly #snapshots: ReadonlyMap<string, Knowledge>;

  constructor(options: MemoryDeviceOptions, profile: Profile, truth: Truth, snapshots: ReadonlyMap<string, Knowledge>) {
    super(options);
    this.#snapshots = snapshots;
    this.#profile = profile;
    this.#truth = truth;
  }

  override ingest(...args: Parameters<MemoryDevice['ingest']>): ReturnType<MemoryDevice['ingest']> {
    this.#checkSpace();
    const before = this.disk.replica.cursor;
    const result = super.ingest(...args);
    const isNew = ({ stamp: [sid, n] }: LogEntry): boolean => n > countOf(before, sid);
    if (result.type === 'ingested') this.#learn(args[0].entries.filter(isNew));
    return result;
  }

  /** With the last piece the device knows what its server knew when the snapshot was prepared. */
  override ingestSnapshot(
    ...args: Parameters<MemoryDevice['ingestSnapshot']>
  ): ReturnType<MemoryDevice['ingestSnapshot']> {
    this.#checkSpace();
    const before = this.#ownDots();
    const result = super.ingestSnapshot(...args);
    if (result.type !== 'ingested') return result;
    for (const [order, dot] of this.#ownDots()) {
      const old = before.get(order);
      if (old !== undefined && old !== dot) this.#truth.rename(old, dot);
    }
    const known = this.#snapshots.get(args[0].id);
    if (!known) throw new Violation('I13', `${this.#profile.name} took a snapshot ${args[0].id} that nobody prepared`);
    this.#profile.switched(known.copy(), result.discarded);
    return result;
  }

  /** By their places; relayed changes of others have places of their own. */
  #ownDots(): ReadonlyMap<number, Dot> {
    const rows = [...this.disk.outbox.values()];
    return new Map(rows.flatMap((row) => (row.dot && !row.relay ? [[row.order, row.dot] as const] : [])));
  }

  override recover(...args: Parameters<MemoryDevice['recover']>): ReturnType<MemoryDevice['recover']> {
    this.#checkSpace();
    const visible = this.#profile.informed();
    const result = super.recover(...args);
    for (const { change } of this.readOutbox(null, ALL)) {
      if (!this.#truth.changes.has(change.dot))
        this.#truth.witness(change, { device: this.#profile.name, past: visible });
    }
    return result;
  }

  override reject(...args: Parameters<MemoryDevice['reject']>): ReturnType<MemoryDevice['reject']> {
    this.#checkSpace();
    return super.reject(...args);
  }

  override write(...args: Parameters<MemoryDevice['write']>): ReturnType<MemoryDevice['write']> {
    this.#checkSpace();
    return super.write(...args);
  }

  /** A change may come again under another number: it was applied when it came first. */
  #learn(entries: readonly LogEntry[]): void {
    const { name, knowledge } = this.#profile;
    for (const entry of entries) {
      if (!('dot' in entry) || 'alias' in entry) continue;
      const isFirst = !knowledge.applied.has(this.#truth.of(entry.dot).index);
      if (isFirst) this.#truth.apply(name, knowledge, entry.dot);
      if (entry.change) this.#truth.told(knowledge, entry.change, isFirst);
    }
  }

  #checkSpace(): void {
    if (this.#profile.isFull) throw new SkerryError('QUOTA', 'the disk is full');
  }
}

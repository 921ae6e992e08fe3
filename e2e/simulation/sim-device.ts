/** A device of a world: the one under test, what it was told, and earlier states of its disk. */
import { isVoid, type Constraints, type Dot, type RecordState, type Row } from '@skerry/sdk/kernel';
import { copyDisk, TestDevice, type MemoryDisk, type Timeline } from '@skerry/sdk/testing';

import type { Counters } from './counters.ts';
import { Dice } from './dice.ts';
import { DotSet } from './dot-set.ts';
import type { SimServer } from './sim-server.ts';
import type { Knowledge, Truth } from './truth.ts';
import { WitnessedStore, type Profile } from './witnessed-store.ts';
import { APPS, type Schemas } from './workload.ts';

const ALL = { changes: 1_000_000, bytes: Infinity };

/** A form that is open: what it showed. */
export interface OpenForm {
  readonly seen: RecordState;
  readonly row: Row;
  readonly past: DotSet;
}

export interface SavedProfile {
  readonly disk: MemoryDisk;
  readonly knowledge: Knowledge;
  /** Id of a record of the disk that was altered behind the device's back, and not repaired yet. */
  readonly corrupted: string | null;
}

export interface SimDeviceOptions {
  readonly name: string;
  readonly app: 0 | 1;
  readonly saved: SavedProfile;
  readonly seed: number;
  readonly timeline: Timeline;
  readonly home: SimServer;
  readonly truth: Truth;
  readonly counters: Counters;
  readonly snapshots: ReadonlyMap<string, Knowledge>;
}

export class SimDevice implements Profile {
  readonly name: string;
  readonly app: 0 | 1;
  readonly schemas: Schemas;
  readonly constraints: Constraints;
  readonly test: TestDevice;
  readonly forms = new Map<string, OpenForm>();
  readonly #truth: Truth;
  readonly #counters: Counters;
  readonly #backups: SavedProfile[] = [];
  /** Before what was written last. */
  #before: SavedProfile | null = null;
  /** The server that it talks to. */
  home: SimServer;
  knowledge: Knowledge;
  isFull = false;
  corrupted: string | null;
  /** The state that was looked at last. */
  checked: unknown = null;
  /** What a person at it has seen since this disk was put in. */
  seen = new DotSet();

  constructor({ name, app, saved, seed, timeline, home, truth, counters, snapshots }: SimDeviceOptions) {
    this.name = name;
    this.app = app;
    this.schemas = APPS[app].schemas;
    this.constraints = APPS[app].constraints;
    this.home = home;
    this.knowledge = saved.knowledge;
    this.corrupted = saved.corrupted;
    this.#truth = truth;
    this.#counters = counters;
    this.test = new TestDevice({
      name,
      schemas: this.schemas,
      constraints: this.constraints,
      timeline,
      random: new Dice(seed).random,
      server: home.test,
      disk: saved.disk,
      skewMs: 0,
      openStore: (options) => new WitnessedStore(options, this, truth, snapshots),
      onNews: (news) => {
        if (news.type === 'restamped' && news.changes > 0) counters.count('restamped', news.changes);
      },
    });
  }

  get disk(): MemoryDisk {
    return this.test.store.disk;
  }

  /** Dots of the outbox, in order. */
  outbox(): readonly Dot[] {
    return this.test.store.readOutbox(null, ALL).map((item) => item.change.dot);
  }

  /** Everything that a person at it sees: what it has applied, and what it has written. */
  visible(): DotSet {
    const visible = this.knowledge.applied.copy();
    for (const row of this.disk.outbox.values()) if (row.dot) visible.add(this.#truth.of(row.dot).index);
    return visible;
  }

  /** Of that, what a write here has seen: not what was taken back, whose content may still come from elsewhere. */
  informed(): DotSet {
    const emptied = new DotSet();
    for (const { change } of this.test.store.readOutbox(null, ALL))
      if (isVoid(change)) emptied.add(this.#truth.of(change.dot).index);
    return this.visible().without(this.knowledge.voids).without(emptied);
  }

  /** What it could tell a server that has lost it. */
  carried(): DotSet {
    const carried = this.knowledge.carried.copy();
    for (const row of this.disk.outbox.values()) if (row.dot) carried.add(this.#truth.of(row.dot).index);
    return carried;
  }

  moveTo(home: SimServer, isLate = false): void {
    this.home = home;
    this.test.server = home.test;
    if (isLate) this.test.abandonLink();
    else this.test.cutLink();
  }

  /** What it holds may be wrong: it asks for all of it anew. */
  wantSnapshot(): void {
    this.disk.space = { ...this.disk.space, isDiverged: true };
    this.test.cutLink();
  }

  /** What is stored may be looked over again. */
  passDay(): void {
    const { inspectedAt: _, ...space } = this.disk.space;
    this.disk.space = space;
    this.test.restart();
  }

  switched(knowledge: Knowledge, discarded: number): void {
    this.knowledge = knowledge;
    this.#counters.count('snapshot taken');
    const relayed = [...this.disk.outbox.values()].filter((row) => row.relay);
    this.#counters.count('change offered again', relayed.length);
    if (this.corrupted !== null) this.#counters.count('corruption repaired');
    if (discarded > 0) this.#counters.count('version put into quarantine', discarded);
    this.corrupted = null;
  }

  save(): SavedProfile {
    return { disk: copyDisk(this.disk), knowledge: this.knowledge.copy(), corrupted: this.corrupted };
  }

  backUp(): void {
    this.#backups.push(this.save());
  }

  /** Called before a write: the state that a lost tail leaves. */
  markTail(): void {
    this.#before = this.save();
  }

  /** False when there is no backup. */
  putBack(which: number): boolean {
    const saved = this.#backups[which % Math.max(1, this.#backups.length)];
    if (saved) this.#insert(saved);
    return saved !== undefined;
  }

  loseTail(): boolean {
    const saved = this.#before;
    this.#before = null;
    if (saved) this.#insert(saved);
    return saved !== null;
  }

  /** A person who sees an older disk begins anew. */
  #insert({ disk, knowledge, corrupted }: SavedProfile): void {
    this.knowledge = knowledge.copy();
    this.forms.clear();
    this.seen = new DotSet();
    this.#before = null;
    this.corrupted = corrupted;
    this.test.restart(copyDisk(disk));
  }
}

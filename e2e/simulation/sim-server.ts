/** A server of a world: the one under test, what it has taken, and its backups. */
import { covers, randomName, recentChanges, type Sid } from '@skerry/sdk/kernel';
import { TestServer, type ServerDisk, type Timeline } from '@skerry/sdk/testing';

import type { Counters } from './counters.ts';
import { Dice } from './dice.ts';
import { DotSet } from './dot-set.ts';
import type { Shape } from './shape.ts';
import { Knowledge, type Truth } from './truth.ts';
import { isPermitted } from './workload.ts';

export interface SimServerOptions {
  readonly name: string;
  /** Among the servers of its world. */
  readonly place: number;
  readonly sid: Sid;
  readonly founders: readonly Sid[];
  readonly seed: number;
  readonly shape: Shape;
  readonly timeline: Timeline;
  readonly truth: Truth;
  readonly counters: Counters;
  /** What a device knows that has taken a snapshot, by the snapshot's id. */
  readonly snapshots: Map<string, Knowledge>;
}

export class SimServer {
  readonly name: string;
  readonly place: number;
  /** Whether there are changes that it does not take. */
  readonly refuses: boolean;
  readonly test: TestServer;
  readonly #dice: Dice;
  readonly #truth: Truth;
  readonly #snapshots: Map<string, Knowledge>;
  #backup: { readonly disk: ServerDisk; readonly knowledge: Knowledge } | null = null;
  knowledge = new Knowledge();
  /** Its disk is gone, and it will not come back. */
  isLost = false;
  /** It was restored, and speaks to nobody before it has got back what it had told others. */
  isRefilling = false;

  constructor({ name, place, sid, founders, seed, shape, timeline, truth, counters, snapshots }: SimServerOptions) {
    const dice = new Dice(seed);
    this.name = name;
    this.place = place;
    this.refuses = shape.refuses;
    this.#dice = dice;
    this.#truth = truth;
    this.#snapshots = snapshots;
    this.test = new TestServer({
      sid,
      founders,
      timeline,
      commitMs: () => dice.fraction() * shape.commitMs,
      limits: { entriesPerPage: shape.entriesPerPage, recordsPerPiece: shape.recordsPerPiece },
      retention: shape.retention,
      authorize: (change) => !shape.refuses || isPermitted(change, shape.disagrees ? place : null),
      onAppended: (_server, entries) => {
        const before = this.knowledge.voids.copy();
        truth.appended(this.name, this.knowledge, entries);
        counters.count('content after all', [...before.without(this.knowledge.voids)].length);
        counters.count('alias', entries.filter(({ kind }) => kind === 'alias').length);
      },
      onSnapshot: (_server, id) => this.#note(id),
    });
  }

  backUp(): void {
    this.#backup = { disk: this.test.copyDisk(), knowledge: this.knowledge.copy() };
  }

  get hasBackup(): boolean {
    return this.#backup !== null;
  }

  /** Everything that the backup lacks is still in the log. */
  get isBackedUpInLog(): boolean {
    return this.#backup !== null && covers(this.#backup.disk.space.meta.cursor, this.test.space.meta.truncated);
  }

  /** Its disk is what it was then; the operator has given it no new identity yet. */
  restore(): void {
    const { disk, knowledge } = this.#backup!;
    // Of the server that it was then: another one to be restored from must be made first.
    this.#backup = null;
    this.knowledge = knowledge.copy();
    this.test.restore(disk);
  }

  /** What the operator's tool does at the end of a restore. */
  takeNewIdentity(): void {
    this.test.restore(this.test.copyDisk(), randomName(64, this.#dice.random));
  }

  /** What of it travels with its snapshots one by one. */
  #note(id: string): void {
    const { meta, log } = this.test.space;
    const carried = new DotSet();
    for (const { dot } of recentChanges(meta, [...log].reverse())) carried.add(this.#truth.of(dot).index);
    this.#snapshots.set(id, new Knowledge(this.knowledge.applied.copy(), carried, this.knowledge.voids.copy()));
  }
}

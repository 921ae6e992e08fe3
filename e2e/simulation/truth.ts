/**
 * What really happened, kept beside the protocol: who wrote what, knowing what, and which replica has been told of it.
 * The protocol never reads it.
 */
import {
  canonicalJson,
  elementPath,
  isVoid,
  type Change,
  type Dot,
  type Json,
  type NewEntry,
  type Op,
} from '@skerry/sdk/kernel';
import { recordKey, type RejectedRow } from '@skerry/sdk/testing';

import { DotSet } from './dot-set.ts';
import { Violation } from './violation.ts';

export interface Witnessed {
  /** Its number in this world. */
  readonly index: number;
  readonly dot: Dot;
  readonly device: string;
  /** As it was written; parts may be taken back before a server has them. */
  readonly change: Change;
  /** What its writer knew. */
  readonly past: DotSet;
  /** Of a row that was written from a form: what was known when the form was opened. */
  readonly form: DotSet | null;
}

/** What a replica has been told, kept beside its disk: copied, put back and lost with it. */
export class Knowledge {
  /** Changes in its state. */
  applied: DotSet;
  /** Of these, the ones that it still holds one by one, so that it could tell them to somebody else. */
  carried: DotSet;
  /** Of these, the ones that it was told without their content, because they were refused somewhere. */
  voids: DotSet;

  constructor(applied = new DotSet(), carried = new DotSet(), voids = new DotSet()) {
    this.applied = applied;
    this.carried = carried;
    this.voids = voids;
  }

  learn(index: number): void {
    this.applied.add(index);
    this.carried.add(index);
  }

  copy(): Knowledge {
    return new Knowledge(this.applied.copy(), this.carried.copy(), this.voids.copy());
  }
}

/** What is known of a write besides its dot. */
export interface WriteAbout {
  readonly device: string;
  readonly past: DotSet;
  readonly form?: DotSet | null;
}

export class Truth {
  readonly changes = new Map<Dot, Witnessed>();
  /** Nobody alive has it any more: a disk was put back, or a server was lost, before it was told to anybody else. */
  readonly excused = new DotSet();
  /** What a server did not take and a person has decided about. */
  readonly settled: RejectedRow['parts'][number][] = [];
  /** Transactions over several records, by the mark that each of these carries. */
  readonly marks = new Map<string, { readonly by: Witnessed; readonly records: readonly string[] }>();
  readonly #byIndex: Witnessed[] = [];
  readonly #removals = new Map<string, readonly number[]>();
  /** What servers took under a dot. */
  readonly #logged = new Map<Dot, { readonly change: Change; readonly recs: string }>();
  /** A server's disk was lost or put back: what it had taken under a dot may be taken otherwise by the others. */
  mayDiffer = false;
  /** Records of which two servers have taken different contents; who followed the lost one has that content for a while. */
  readonly contested = new Set<string>();

  /** Called right after a write. */
  witness(change: Change, { device, past, form = null }: WriteAbout): Witnessed {
    if (this.changes.has(change.dot)) throw new Violation('I6', `the dot ${change.dot} was used twice`);
    const witnessed = { index: this.#byIndex.length, dot: change.dot, device, change, past, form };
    this.changes.set(change.dot, witnessed);
    this.#byIndex.push(witnessed);
    for (const rec of change.recs)
      for (const op of rec.ops) if (op.t === 'rm') this.#noteRemoval(recordKey(rec.c, rec.id), op.p, witnessed.index);
    return witnessed;
  }

  #noteRemoval(record: string, path: string, index: number): void {
    const key = `${record} ${path}`;
    this.#removals.set(key, [...(this.#removals.get(key) ?? []), index]);
  }

  /** Changes that take an element of a set away. */
  removalsOf(record: string, path: string): readonly number[] {
    return this.#removals.get(`${record} ${path}`) ?? [];
  }

  /** It goes on under another name, because what its writer wrote before is lost. */
  rename(old: Dot, dot: Dot): void {
    const renamed = { ...this.of(old), dot };
    this.changes.set(dot, renamed);
    this.#byIndex[renamed.index] = renamed;
  }

  at(index: number): Witnessed {
    return this.#byIndex[index]!;
  }

  of(dot: Dot): Witnessed {
    const witnessed = this.changes.get(dot);
    if (!witnessed) throw new Violation('I6', `nobody wrote ${dot}`);
    return witnessed;
  }

  /** A replica applies a change: everything that its writer knew is there, and it is not. */
  apply(replica: string, knowledge: Knowledge, dot: Dot): void {
    const { index, past } = this.of(dot);
    const missing = past.firstNotIn(knowledge.applied.union(this.excused));
    if (missing !== null && missing !== index)
      throw new Violation('I2', `${replica} applied ${dot} before ${this.at(missing).dot}, which its writer knew`);
    knowledge.learn(index);
  }

  /** What a replica is told under a dot, for the first time or again: content stays. */
  told(knowledge: Knowledge, change: Change, isFirst: boolean): void {
    const { index } = this.of(change.dot);
    if (!isVoid(change)) knowledge.voids.delete(index);
    else if (isFirst) knowledge.voids.add(index);
  }

  /** Entries became durable in a server's log. */
  appended(server: string, knowledge: Knowledge, entries: readonly NewEntry[]): void {
    for (const { kind, dot, text } of entries) {
      if (kind === 'alias' && text !== null) {
        this.#take(JSON.parse(text) as Change);
        this.told(knowledge, JSON.parse(text) as Change, false);
      }
      if (kind !== 'change') continue;
      if (knowledge.applied.has(this.of(dot!).index)) throw new Violation('I6', `${server} took ${dot} twice`);
      this.apply(server, knowledge, dot!);
      this.told(knowledge, JSON.parse(text!) as Change, true);
      this.#take(JSON.parse(text!) as Change);
    }
  }

  #take(change: Change): void {
    const recs = canonicalJson(change.recs as unknown as Json);
    const before = this.#logged.get(change.dot);
    // Where one server refused it and another did not, what stands is the content.
    if (before && isVoid(change) && !isVoid(before.change)) return;
    if (before && isVoid(before.change) && !isVoid(change)) {
      this.#logged.set(change.dot, { change, recs });
      return;
    }
    if (before && before.recs !== recs) {
      if (!this.mayDiffer) throw new Violation('I6', `${change.dot} has two contents: ${before.recs} and ${recs}`);
      for (const rec of [...before.change.recs, ...change.recs]) this.contested.add(recordKey(rec.c, rec.id));
    }
    // Two copies of a profile may correct one stamp differently: the greater one counts.
    const hlc = Math.max(change.hlc, before?.change.hlc ?? 0);
    this.#logged.set(change.dot, { change: { ...change, hlc }, recs });
  }

  /** As servers have it; undefined when none ever did. */
  logged(dot: Dot): Change | undefined {
    return this.#logged.get(dot)?.change;
  }

  /** Whether the writer of `b` had seen `a` in what it replaced. */
  happenedBefore(a: Witnessed, b: Witnessed): boolean {
    return (b.form ?? b.past).has(a.index);
  }

  /** Those that no other one comes after. */
  maximal(written: readonly Written[], replacing: readonly Written[] = written): Dot[] {
    return written
      .filter(({ by }) => !replacing.some((other) => other.by !== by && this.happenedBefore(by, other.by)))
      .map(({ by }) => by.dot);
  }

  /** What was written to each record by the changes of a set; `content` says what they hold where that is not in a log yet. */
  byRecord(
    { applied, voids }: Pick<Knowledge, 'applied' | 'voids'>,
    content: ReadonlyMap<Dot, Change> = NO_CONTENT,
  ): Map<string, Written[]> {
    const records = new Map<string, Written[]>();
    for (const index of applied.without(voids)) {
      const by = this.at(index);
      const change = content.get(by.dot) ?? this.logged(by.dot);
      for (const rec of change?.recs ?? []) {
        const key = recordKey(rec.c, rec.id);
        const written = records.get(key);
        const one = { by, hlc: change!.hlc, ops: rec.ops };
        if (written) written.push(one);
        else records.set(key, [one]);
      }
    }
    return records;
  }
}

/** What one change does to one record. */
export interface Written {
  readonly by: Witnessed;
  /** The stamp under which it counts. */
  readonly hlc: number;
  readonly ops: readonly Op[];
}

const NO_CONTENT: ReadonlyMap<Dot, Change> = new Map();

/** Every record that a transaction writes carries its mark, as an element of this set. */
export const MARKS = 'marks';

export function markPath(mark: string): string {
  return elementPath(MARKS, mark);
}

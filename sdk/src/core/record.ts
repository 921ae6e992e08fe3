/**
 * The replicated state of one record: for every register the entries that no write has replaced.
 *
 * This is all that replicas must agree on. Rows and conflicts are views of it.
 */
import type { Json } from '../lib/json.ts';
import type { Base, Life } from './change.ts';
import { compareDots, type Dot } from './dot.ts';
import type { Hlc } from './clock.ts';
import type { MoreKeys } from './op-kinds.ts';
import type { Path } from './paths.ts';
import type { Stamp } from './version-vector.ts';

/** A change as far as ranking and naming need it. */
export interface Mark {
  readonly dot: Dot;
  readonly hlc: Hlc;
}

/** A live value: nobody who saw it has replaced it. Without `v` the field is absent. */
export interface Entry extends Mark, MoreKeys {
  readonly v?: Json;
  readonly base?: Base;
  /** When the value that this one goes on from was claimed first; only of registers that first writes win. */
  readonly first?: Hlc;
  /** Of a hot register: the rank of what its writer saw, where the clock alone does not come after it. */
  readonly over?: Hlc;
  /** Where servers have put the write, in order: all numbers that it came under; only of claims that servers number. */
  readonly stamps?: readonly Stamp[];
}

export interface LifeEntry extends Mark, MoreKeys {
  readonly v: Life;
  /** Of a recovered copy: the id of the record that it was made from. */
  readonly of?: string;
  /** The first stamp under which this replica got a delete. */
  readonly stamp?: Stamp;
}

export interface RecordState {
  /** Frontier: the changes of this record that no other change of it comes after. */
  rv: readonly Mark[];
  life: readonly LifeEntry[];
  /** Registers by path, and one cell per element of a set. Several entries are siblings. */
  readonly cells: Map<Path, readonly Entry[]>;
  readonly counters: Map<Path, number>;
  /** The latest value of every hot register; made with the first of them, because few records have any. */
  hot?: Map<Path, Entry>;
}

export function createRecord(): RecordState {
  return { rv: [], life: [], cells: new Map(), counters: new Map() };
}

/** The changes of which something is in the record. */
export function dotsIn({ rv, life, cells, hot }: RecordState): Dot[] {
  return [...rv, ...life, ...[...cells.values()].flat(), ...(hot?.values() ?? [])].map((mark) => mark.dot);
}

/** An independent copy; entries are never changed in place, so they are shared. */
export function copyRecord(record: RecordState): RecordState {
  return {
    rv: record.rv,
    life: record.life,
    cells: new Map(record.cells),
    counters: new Map(record.counters),
    ...(record.hot ? { hot: new Map(record.hot) } : {}),
  };
}

/** Whether there is nothing to keep of it. */
export function isEmptyRecord({ rv, life, cells, counters, hot }: RecordState): boolean {
  return rv.length === 0 && life.length === 0 && cells.size === 0 && counters.size === 0 && !hot;
}

/** Whether any change but one of hot registers only has touched it: such a change alone makes no row. */
export function isCreated(record: RecordState): boolean {
  return record.rv.length > 0 || record.life.length > 0;
}

/** Whether there is no row of it to delete: never made, or dead. A write of one makes it. */
export function isGone(record: RecordState | undefined): boolean {
  return !record || !isCreated(record) || lifeStatus(record) === 'dead';
}

/**
 * `contested`: a delete and an edit that had not seen each other · `recovered`: what was edited after its record had been
 * deleted and forgotten, until somebody restores or discards it.
 */
export type LifeStatus = 'live' | 'dead' | 'contested' | 'recovered';

export function lifeStatus(record: RecordState): LifeStatus {
  if (isRecovered(record)) return 'recovered';
  const deaths = record.life.filter((entry) => entry.v === 'dead');
  if (deaths.length === 0) return 'live';
  if (deaths.length < record.life.length) return 'contested';
  return unseenByDeletes(record).length === 0 ? 'dead' : 'contested';
}

/** Once one copy is restored the record lives; while one is neither restored nor discarded it waits for somebody. */
function isRecovered({ life }: RecordState): boolean {
  return life.some((entry) => entry.v === 'zombie') && life.every((entry) => entry.v !== 'live');
}

/** The changes that no delete of this record had seen. */
export function unseenByDeletes(record: RecordState): readonly Mark[] {
  return record.rv.filter((mark) => !record.life.some((entry) => entry.v === 'dead' && entry.dot === mark.dot));
}

/** Orders by clock, then dot: total and the same on every replica. */
export function compareMarks(a: Mark, b: Mark): number {
  return a.hlc - b.hlc || compareDots(a.dot, b.dot);
}

/** Of a hot register: by its clock, but in any case above what its writer saw. */
export function rankOf({ hlc, over }: Entry): Hlc {
  return over === undefined ? hlc : Math.max(hlc, over + 1);
}

export function dotsOf(marks: readonly Mark[]): Dot[] {
  return marks.map((mark) => mark.dot);
}

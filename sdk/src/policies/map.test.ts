import { describe, expect, it } from 'vitest';

import { applyRecordChange } from '../core/apply.ts';
import type { RecordChange } from '../core/change.ts';
import { resolveRegister, writeRecord } from '../core/commit.ts';
import { combineChanges, withoutEffectless } from '../core/combine.ts';
import { openConflicts, type OpenFieldConflict } from '../core/conflict.ts';
import { keyPath } from '../core/paths.ts';
import { copyRecord, createRecord, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { readRow, viewRecord, type Row } from '../core/view.ts';
import type { Json } from '../lib/json.ts';
import { ask } from './ask.ts';
import { counter } from './counter.ts';
import { hot } from './hot.ts';
import { local } from './local.ts';
import { lww } from './lww.ts';
import { map } from './map.ts';
import type { Policy } from './policy.ts';
import { compileCollection } from './registry.ts';
import { set } from './set.ts';
import { text } from './text.ts';

const schemaOf = (labels: Policy) =>
  compileCollection({ name: 'notes', fields: { labels }, groups: [], onDeleteVsEdit: 'ask' });
const SCHEMA = schemaOf(map());

/** One replica: writes, and changes of others that reach it. */
class Replica {
  readonly name: string;
  readonly state: RecordState;
  readonly schema: CollectionSchema;
  #count = 0;

  constructor(name: string, state = createRecord(), schema = SCHEMA) {
    this.name = name;
    this.state = copyRecord(state);
    this.schema = schema;
  }

  write(labels: Json | undefined, hlc: number, seen?: RecordState): Written {
    const next: Row = { id: 'r', ...(labels === undefined ? {} : { labels }) };
    return this.#made(this.#change(next, seen), hlc);
  }

  delete(hlc: number): Written {
    return this.#made(this.#change(null), hlc);
  }

  resolve(path: string, value: Json | undefined, hlc: number): Written {
    const { schema, state } = this;
    return this.#made(resolveRegister({ schema, id: 'r', current: state, confirmed: undefined }, path, value), hlc);
  }

  learn(...written: readonly Written[]): this {
    for (const { dot, hlc, change } of written) applyRecordChange(this.state, { dot, hlc }, change);
    return this;
  }

  get labels(): Json | undefined {
    return viewRecord(this.schema, 'r', this.state).row?.['labels'];
  }

  get conflicts(): readonly OpenFieldConflict[] {
    return openConflicts(this.schema, 'r', this.state) as OpenFieldConflict[];
  }

  #change(next: Row | null, seen?: RecordState): RecordChange {
    const current = seen ?? this.state;
    return writeRecord({ schema: this.schema, id: 'r', current, confirmed: undefined, next })!;
  }

  #made(change: RecordChange, hlc: number): Written {
    const written = { dot: `${this.name.padEnd(16, '_')}.${++this.#count}`, hlc, change };
    this.learn(written);
    return written;
  }
}

interface Written {
  readonly dot: string;
  readonly hlc: number;
  readonly change: RecordChange;
}

/** Anna made the row with these labels, Ben has it. */
function pair(labels: Json, schema = SCHEMA): [Replica, Replica] {
  const anna = new Replica('anna', undefined, schema);
  const first = anna.write(labels, 1);
  return [anna, new Replica('ben', undefined, schema).learn(first)];
}

describe('map', () => {
  it('[MAP1] keys that were written at once are all there; one key is read by the policy of the keys', () => {
    const [anna, ben] = pair({});
    const [a, b] = [anna.write({ x: 1, both: 'a' }, 2), ben.write({ y: 2, both: 'b' }, 3)];
    anna.learn(b);
    ben.learn(a);
    expect(anna.labels).toEqual({ x: 1, y: 2, both: 'b' });
    expect(ben.labels).toEqual(anna.labels);
    expect(Object.keys(ben.labels as object)).toEqual(['both', 'x', 'y']);
    expect(anna.conflicts.map(({ path, versions }) => [path, versions.map(({ v }) => v)])).toEqual([
      [keyPath('labels', 'both'), ['a', 'b']],
    ]);
    expect(ben.conflicts.map(({ id }) => id)).toEqual(anna.conflicts.map(({ id }) => id));
  });

  it('[MAP1] a policy that decides, and one that merges, do so key by key', () => {
    const [anna, ben] = pair({ x: 'red sea\nwhite gull' }, schemaOf(map(lww())));
    const b = ben.write({ x: 'b' }, 3);
    anna.write({ x: 'a' }, 2);
    anna.learn(b);
    expect([anna.labels, anna.conflicts]).toEqual([{ x: 'b' }, []]);

    const texts = schemaOf(map(text()));
    const [carla, dan] = pair({ x: 'red sea\nwhite gull' }, texts);
    const confirmed = copyRecord(carla.state);
    const write = (replica: Replica, x: string): RecordChange =>
      writeRecord({ schema: texts, id: 'r', current: replica.state, confirmed, next: { id: 'r', labels: { x } } })!;
    const c = write(carla, 'blue sea\nwhite gull');
    const d = write(dan, 'red sea\ngrey gull');
    carla.learn({ dot: 'carla___________.9', hlc: 5, change: c }, { dot: 'dan_____________.9', hlc: 6, change: d });
    expect([carla.labels, carla.conflicts]).toEqual([{ x: 'blue sea\ngrey gull' }, []]);
  });

  it('[MAP2] a key that one takes away while another writes it stays, with what was written', () => {
    const [anna, ben] = pair({ x: 1, y: 1 });
    const removed = anna.write({ y: 1 }, 9);
    const written = ben.write({ x: 2, y: 1 }, 2);
    expect([anna.learn(written).labels, ben.learn(removed).labels]).toEqual([
      { x: 2, y: 1 },
      { x: 2, y: 1 },
    ]);
    expect(anna.conflicts).toEqual([]);
  });

  it('[MAP2] a key that both take away is gone; taken away and written again by one it has one entry', () => {
    const [anna, ben] = pair({ x: 1 });
    const [a, b] = [anna.write({}, 2), ben.write({}, 3)];
    expect([anna.learn(b).labels, ben.learn(a).labels]).toEqual([{}, {}]);
    const again = anna.write({ x: 1 }, 4);
    anna.write({}, 5);
    anna.write({ x: 5 }, 6);
    expect(anna.state.cells.get(keyPath('labels', 'x'))).toHaveLength(1);
    expect(again.change.ops).toEqual([{ t: 'set', p: keyPath('labels', 'x'), v: 1, pred: [] }]);
  });

  it('[MAP3] only keys that change travel', () => {
    const [anna] = pair({ x: 1, y: { deep: [1] }, z: 3 });
    const { change } = anna.write({ x: 1, y: { deep: [2] }, new: 4 }, 2);
    expect(change.ops.map((op) => (op.t === 'life' ? 'life' : [op.t, op.p]))).toEqual([
      ['set', keyPath('labels', 'y')],
      ['set', keyPath('labels', 'new')],
      ['rm', keyPath('labels', 'z')],
    ]);
    const { schema, state } = anna;
    const next = readRow(schema, 'r', state);
    expect(writeRecord({ schema, id: 'r', current: state, confirmed: undefined, next })).toBeNull();
  });

  it('[MAP3] a key that is changed and changed back in one transaction does not travel', () => {
    const [anna] = pair({ x: 1 });
    const start = copyRecord(anna.state);
    const one = anna.write({ x: 2, y: 1 }, 2);
    const two = anna.write({ x: 1 }, 2);
    const combined = combineChanges(one.change, two.change, one.dot);
    expect(withoutEffectless(SCHEMA, start, combined)).toBeNull();
  });

  it('[MAP4] a decision about one key leaves the others; taking the key away is one too', () => {
    const [anna, ben] = pair({ other: 1 });
    const [a, b] = [anna.write({ other: 1, x: 'a' }, 2), ben.write({ other: 1, x: 'b' }, 3)];
    anna.learn(b);
    ben.learn(a);
    const { path } = anna.conflicts[0]!;
    const third = ben.write({ other: 7, x: 'b' }, 4);
    const gone = anna.resolve(path, undefined, 5);
    expect(gone.change.ops).toEqual([{ t: 'rm', p: path, pred: [a.dot, b.dot] }]);
    expect([anna.learn(third).labels, ben.learn(gone).labels]).toEqual([{ other: 7 }, { other: 7 }]);
    expect([anna.conflicts, ben.conflicts]).toEqual([[], []]);
  });

  it('[MAP5] a row that is made again has nothing of the old map', () => {
    const [anna, ben] = pair({ x: 1, y: 2 });
    const gone = anna.delete(2);
    const again = anna.write({ y: 2, z: 3 }, 3);
    expect(anna.labels).toEqual({ y: 2, z: 3 });
    expect(ben.learn(gone, again).labels).toEqual({ y: 2, z: 3 });
    const bare = new Replica('carla', anna.state);
    bare.delete(4);
    bare.write(undefined, 5);
    expect(bare.labels).toEqual({});
  });

  it('[MAP6] a register that became a map, and back: both apps show what was written last', () => {
    const plain = schemaOf(lww());
    const old = new Replica('old', undefined, plain);
    old.write({ x: 1, y: 2 }, 1);
    const fresh = new Replica('fresh', old.state);
    expect(fresh.labels).toEqual({ x: 1, y: 2 });
    fresh.write({ x: 1 }, 2);
    expect(fresh.labels).toEqual({ x: 1 });
    fresh.write({}, 3);
    expect(fresh.labels).toEqual({});
  });

  it('[MAP6] a map that became a register: it shows the keys until it is written, and takes them away', () => {
    const plain = schemaOf(lww());
    const [fresh] = pair({ z: 1 });
    const back = new Replica('back', fresh.state, plain);
    expect(back.labels).toEqual({ z: 1 });
    back.write('text', 5);
    expect(back.labels).toBe('text');
    back.write(undefined, 6);
    expect(back.labels).toBeUndefined();
    expect([...back.state.cells.keys()].filter((path) => path.includes('#m/'))).toEqual([]);
  });

  it('[MAP6] what does not fit a map is not shown by it and stays where it is', () => {
    for (const before of [schemaOf(lww()), schemaOf(set()), schemaOf(hot())]) {
      const old = new Replica('old', undefined, before);
      old.write(['a', 'b'], 1);
      const fresh = new Replica('fresh', old.state);
      expect(fresh.labels).toEqual({});
      expect(new Replica('again', fresh.state, before).labels).toEqual(['a', 'b']);
    }
  });

  it('[MAP7] a key may hold any character, and names of built-in properties are names', () => {
    const keys = ['', '/', '#m/', 'a+b', '"quoted"', '\\', 'constructor', 'toString', '1', 'ß'];
    const labels = Object.fromEntries(keys.map((key, i) => [key, i]));
    const [anna, ben] = pair(labels);
    expect([anna.labels, ben.labels]).toEqual([labels, labels]);
    ben.write({}, 2);
    expect(ben.labels).toEqual({});
    expect([...ben.state.cells.keys()]).toEqual([]);
  });

  it('[MAP8] a write with a read token replaces only what was seen of each key', () => {
    const [anna, ben] = pair({ x: 1, y: 1 });
    const seen = copyRecord(anna.state);
    anna.learn(ben.write({ x: 2, y: 1, z: 1 }, 2));
    anna.write({ x: 3 }, 3, seen);
    expect(anna.labels).toEqual({ x: 3, z: 1 });
    expect(anna.conflicts.map(({ versions }) => versions.map(({ v }) => v))).toEqual([[2, 3]]);
  });

  it('[MAP9] keys have a policy that keeps one value', () => {
    for (const policy of [set(), counter(), hot(), local(), map()] as Policy[])
      expect(() => schemaOf(map(policy as Policy<unknown>))).toThrow(
        expect.objectContaining({ code: 'INVALID_SCHEMA' }),
      );
    expect(schemaOf(map(ask())).empty).toEqual({ labels: {} });
  });
});

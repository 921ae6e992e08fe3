/**
 * Random histories for property tests: a few replicas write one record and learn from one another. What happened
 * before what is kept beside the protocol, as the truth to check it against.
 */
import fc from 'fast-check';

import { compileCollection } from '../policies/registry.ts';
import { applyRecordChange } from './apply.ts';
import type { RecordChange } from './change.ts';
import { tick } from './clock.ts';
import { writeRecord } from './commit.ts';
import { dotOf, type Dot } from './dot.ts';
import { createRecord, type Mark, type RecordState } from './record.ts';
import { readRow, isVisible, type Row } from './view.ts';

export const SCHEMA = compileCollection({
  name: 'notes',
  fields: {
    title: { kind: 'ask' },
    pinned: { kind: 'lww' },
    tags: { kind: 'set' },
    likes: { kind: 'counter' },
    labels: { kind: 'map', of: { kind: 'ask' } },
    seen: { kind: 'hot' },
  },
  groups: [['start', 'end']],
  onDeleteVsEdit: 'ask',
});

export interface Written {
  readonly mark: Mark;
  readonly change: RecordChange;
  /** Dots of everything the writer had applied. */
  readonly past: ReadonlySet<Dot>;
}

export interface History {
  readonly written: readonly Written[];
  readonly replicas: readonly Replica[];
}

interface Replica {
  readonly inc: string;
  seq: number;
  hlc: number;
  readonly state: RecordState;
  readonly applied: Set<Dot>;
}

type Step =
  | { readonly type: 'write'; readonly replica: number; readonly edit: Edit; readonly clock: number }
  | { readonly type: 'learn'; readonly replica: number; readonly from: number };
type Edit =
  | { readonly field: 'title' | 'pinned' | 'start' | 'end'; readonly value: number | undefined }
  | { readonly field: 'seen'; readonly value: number | undefined }
  | { readonly field: 'tags'; readonly value: readonly string[] }
  | { readonly field: 'labels'; readonly value: Readonly<Record<string, number>> }
  | { readonly field: 'likes'; readonly value: number }
  | { readonly field: 'delete' };

const REPLICAS = 3;

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    field: fc.constantFrom('title', 'pinned', 'start', 'end', 'seen'),
    value: fc.option(fc.nat(5), { nil: undefined }),
  }),
  fc.record({ field: fc.constant('tags' as const), value: fc.subarray(['a', 'b', 'c']) }),
  fc.record({
    field: fc.constant('labels' as const),
    value: fc.dictionary(fc.constantFrom('a', 'b/"#+'), fc.nat(2), { maxKeys: 2 }),
  }),
  fc.record({ field: fc.constant('seen' as const), value: fc.nat(5) }),
  fc.record({ field: fc.constant('likes' as const), value: fc.integer({ min: -3, max: 9 }) }),
  fc.constant({ field: 'delete' as const }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      replica: fc.nat(REPLICAS - 1),
      edit,
      clock: fc.nat(40),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('learn' as const),
      replica: fc.nat(REPLICAS - 1),
      from: fc.nat(REPLICAS - 1),
    }),
  },
);

export const histories: fc.Arbitrary<History> = fc.array(step, { minLength: 1, maxLength: 30 }).map(play);

/** Clocks of the replicas are unrelated on purpose: they must not matter for what is concurrent. */
function play(steps: readonly Step[]): History {
  const replicas = Array.from({ length: REPLICAS }, (_, i): Replica => ({
    inc: `replica${i}`.padEnd(16, '_'),
    seq: 0,
    hlc: 0,
    state: createRecord(),
    applied: new Set(),
  }));
  const written: Written[] = [];
  for (const { type, ...now } of steps) {
    const replica = replicas[now.replica]!;
    if (type === 'write') write(replica, (now as { edit: Edit }).edit, (now as { clock: number }).clock, written);
    else learn(replica, replicas[(now as { from: number }).from]!, written);
  }
  return { written, replicas };
}

function write(replica: Replica, change: Edit, clockMs: number, written: Written[]): void {
  const current = replica.applied.size > 0 ? replica.state : undefined;
  const shown: Row =
    current && isVisible(SCHEMA, current)
      ? readRow(SCHEMA, 'r', current)
      : { id: 'r', likes: current ? (readRow(SCHEMA, 'r', current)['likes'] ?? 0) : 0 };
  const next = change.field === 'delete' ? null : withField(shown, change.field, change.value);
  const record = writeRecord({ schema: SCHEMA, id: 'r', current, confirmed: current, next });
  if (!record) return;
  replica.hlc = tick(replica.hlc, clockMs);
  const mark = { dot: dotOf(replica.inc, ++replica.seq), hlc: replica.hlc };
  written.push({ mark, change: record, past: new Set(replica.applied) });
  apply(replica, written.at(-1)!);
}

function withField(row: Row, field: string, value: unknown): Row {
  const { [field]: _old, ...rest } = row;
  return (value === undefined ? rest : { ...rest, [field]: value }) as Row;
}

/** In log order, which is causal. */
function learn(replica: Replica, from: Replica, written: readonly Written[]): void {
  for (const one of written)
    if (from.applied.has(one.mark.dot) && !replica.applied.has(one.mark.dot)) apply(replica, one);
}

function apply(replica: Replica, { mark, change }: Written): void {
  applyRecordChange(replica.state, mark, change);
  replica.applied.add(mark.dot);
}

/** The state after applying these in this order. */
export function stateOf(written: readonly Written[]): RecordState {
  const state = createRecord();
  for (const { mark, change } of written) applyRecordChange(state, mark, change);
  return state;
}

/** Another order in which every change still comes after its causes. */
export function reorder(written: readonly Written[], choices: readonly number[]): Written[] {
  const left = [...written];
  const done = new Set<Dot>();
  const order: Written[] = [];
  for (let i = 0; left.length > 0; i++) {
    const ready = left.filter((one) => [...one.past].every((dot) => done.has(dot)));
    const next = ready[(choices[i % Math.max(choices.length, 1)] ?? 0) % ready.length]!;
    left.splice(left.indexOf(next), 1);
    done.add(next.mark.dot);
    order.push(next);
  }
  return order;
}

/** A text that is equal for equal states: entries are sets, their order says nothing. */
export function canonicalState(state: RecordState): string {
  const sorted = (marks: readonly Mark[]): Mark[] => marks.toSorted((a, b) => (a.dot < b.dot ? -1 : 1));
  const cells = [...state.cells]
    .map(([path, entries]) => [path, sorted(entries)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    sorted(state.rv),
    sorted(state.life),
    cells,
    [...state.counters].filter(([, n]) => n !== 0).sort(),
    [...(state.hot ?? [])].sort(),
  ]);
}

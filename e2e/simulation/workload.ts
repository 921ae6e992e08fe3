/**
 * What the apps of a world do: its collections, in two versions of the app, and how a row is edited. What a new policy
 * or constraint needs to be attacked is added here.
 */
import {
  compileCollection,
  uuidV7,
  type Change,
  type CollectionPlan,
  type CollectionSchema,
  type Constraints,
  type Json,
  type Row,
} from '@skerry/sdk/kernel';

import { constrainedFields, CONSTRAINTS, constraintsOf } from './constraints.ts';
import type { Dice } from './dice.ts';

export type Schemas = ReadonlyMap<string, CollectionSchema>;

export const COLLECTION = 'notes';

const NOTES: CollectionPlan = {
  name: COLLECTION,
  fields: {
    title: { kind: 'ask' },
    body: { kind: 'text' },
    pinned: { kind: 'lww' },
    tags: { kind: 'set' },
    likes: { kind: 'counter' },
    marks: { kind: 'set' },
    labels: { kind: 'map', of: { kind: 'ask' } },
    cursor: { kind: 'hot' },
  },
  groups: [
    ['room', 'start'],
    ['begins', 'ends', 'seat', 'mentions', 'parent'],
  ],
  onDeleteVsEdit: 'ask',
  constraints: CONSTRAINTS,
};

/** The older app asks about `pinned` and does not know `color`, `rank` and `owner`. */
const OLDER: CollectionPlan = { ...NOTES, fields: { ...NOTES.fields, pinned: { kind: 'ask' } } };
const NEWER: CollectionPlan = {
  ...NOTES,
  fields: { ...NOTES.fields, color: { kind: 'lww' }, rank: { kind: 'max' }, owner: { kind: 'fww' } },
};

export interface App {
  readonly schemas: Schemas;
  readonly constraints: Constraints;
}

/** By version of the app. */
export const APPS: readonly [App, App] = [compileApp(NEWER), compileApp(OLDER)];

function compileApp(plan: CollectionPlan): App {
  const schemas = new Map([[plan.name, compileCollection(plan)]]);
  return { schemas, constraints: constraintsOf(plan, schemas) };
}

/** Ids that people chose: they are used again after a delete. */
const CHOSEN_IDS = ['r0', 'r1', 'r2', 'r3'];

/** Which row a transaction writes: one that is there, one whose id somebody chose, or a new one. */
export function pickId(dice: Dice, rows: readonly string[], nowMs: number): string {
  const kind = dice.fraction();
  const generated = rows.filter((id) => !CHOSEN_IDS.includes(id));
  if (kind < 0.4) return dice.pick(CHOSEN_IDS);
  if (kind < 0.5 || generated.length === 0) return uuidV7(nowMs, dice.random);
  return dice.pick(generated);
}

/** No server takes a change that writes this; followed by another number, only some take it. */
const FORBIDDEN = 'forbidden';

/** What the server at this place allows: rights reach one server earlier than another. null: what all do. */
export function isPermitted({ recs }: Change, place: number | null): boolean {
  const refused = [0, 1, 2]
    .filter((n) => n === 0 || place === null || n === 1 + (place % 2))
    .map((n) => `${FORBIDDEN} ${n}`);
  return recs.every(({ ops }) => ops.every((op) => op.t !== 'set' || !refused.includes(op.v as string)));
}

/** What the server at this place takes, and one at a place of the other parity does not. */
export function disputedValue(place: number): string {
  return `${FORBIDDEN} ${2 - (place % 2)}`;
}

export function newRow(id: string, value: string): Row {
  return { id, title: value, likes: 0 };
}

export const EDITS: readonly ((row: Row, value: string, dice: Dice) => Row)[] = [
  (row, value) => ({ ...row, title: value }),
  (row, value) => ({ ...row, title: value }),
  (row, _value, dice) => ({ ...row, pinned: dice.chance(0.5) }),
  (row, _value, dice) => ({ ...row, tags: ['a', 'b', 'c'].filter(() => dice.chance(0.5)) }),
  (row, _value, dice) => ({ ...row, likes: number(row['likes']) + 1 + dice.below(4) - (dice.chance(0.2) ? 6 : 0) }),
  (row, value, dice) => ({ ...row, body: editedText(text(row['body']), value, dice) }),
  (row, _value, dice) => ({ ...row, ...constrainedFields(dice.below(1_000)) }),
  (row, value, dice) => ({ ...row, room: `room ${dice.below(3)}`, start: value }),
  (row, value, dice) => ({ ...row, [dice.pick(['color', 'owner'])]: value }),
  (row, _value, dice) => ({ ...row, rank: dice.below(100) }),
  (row, value, dice) => ({ ...row, labels: editedLabels(row['labels'], value, dice) }),
  (row, value) => ({ ...row, cursor: value }),
  (row, _value, dice) => ({ ...row, title: `${FORBIDDEN} ${dice.below(3)}` }),
];

const FIRST_TEXT = 'one\ntwo\nthree\n';

/** Changes one line, or adds one. */
function editedText(text: string, value: string, dice: Dice): string {
  const lines = text.split('\n');
  const at = dice.below(lines.length + 1);
  if (at === lines.length) return `${text}${value}\n`;
  lines[at] = `${lines[at]} ${value}`;
  return lines.join('\n');
}

/** A key comes, changes or goes. */
function editedLabels(labels: Json | undefined, value: string, dice: Dice): Row {
  const key = `k${dice.below(2)}/"#`;
  const { [key]: held, ...others } = (labels ?? {}) as Row;
  return held !== undefined && dice.chance(0.3) ? others : { ...others, [key]: value };
}

function number(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : FIRST_TEXT;
}

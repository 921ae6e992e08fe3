/**
 * The shape of a change, as data: what a device checks of its own writes and everybody of everybody else's.
 *
 * A file of its own because a page needs nothing of the frames that changes travel in.
 */
import type { Base, Change, Op, RecordChange, Writer } from '../core/change.ts';
import { MAX_PATH_LENGTH } from '../core/paths.ts';
import { MAX_ID_LENGTH, MAX_NAME_LENGTH } from './limits.ts';
import type { ObjectShape, Shape } from './shape.ts';

type RequiredKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T];

/** The shape of an interface: exactly its required and its optional fields. */
export interface ShapeOf<T> extends ObjectShape {
  readonly required: Readonly<Record<RequiredKeys<T>, Shape>>;
  readonly optional: Readonly<Record<Exclude<keyof T, RequiredKeys<T>>, Shape>>;
}

/** Longest label of a change. */
export const MAX_LABEL_LENGTH = 1024;

export const MAX = Number.MAX_SAFE_INTEGER;
export const id: Shape = { kind: 'string', min: 1, max: MAX_ID_LENGTH };
const displayName: Shape = { kind: 'string', min: 0, max: MAX_ID_LENGTH };
export const hlc: Shape = { kind: 'integer', min: 0, max: MAX };
/** The write ranks one above it. */
export const over: Shape = { kind: 'integer', min: 0, max: MAX - 1 };
const dots: Shape = { kind: 'list', of: { kind: 'dot' }, min: 0, max: 'siblingsPerField' };
const path: Shape = { kind: 'string', min: 1, max: MAX_PATH_LENGTH };
export const json: Shape = { kind: 'json' };
export const vector: Shape = { kind: 'vector' };
export const dot: Shape = { kind: 'dot' };

export const base: ShapeOf<Base> = { kind: 'object', required: { hlc }, optional: { v: json } };

const life: ShapeOf<Extract<Op, { t: 'life' }>> = {
  kind: 'object',
  required: { t: json, v: { kind: 'one-of', values: ['live', 'dead', 'zombie'] }, pred: dots },
  optional: { of: id },
};
const set: ShapeOf<Extract<Op, { t: 'set' }>> = {
  kind: 'object',
  required: { t: json, p: path, pred: dots },
  optional: { v: json, base, first: hlc, claim: { kind: 'string', min: 1, max: MAX_NAME_LENGTH } },
};
const element: ShapeOf<Extract<Op, { t: 'add' }>> = {
  kind: 'object',
  required: { t: json, p: path, pred: dots },
  optional: {},
};
const inc: ShapeOf<Extract<Op, { t: 'inc' }>> = {
  kind: 'object',
  required: { t: json, p: path, n: { kind: 'integer', min: -MAX, max: MAX } },
  optional: {},
};
const lww: ShapeOf<Extract<Op, { t: 'lww' }>> = {
  kind: 'object',
  required: { t: json, p: path },
  optional: { v: json, over },
};
/** An operation that this version does not know: kept and passed on, applied by those who know it. */
const later: ObjectShape = {
  kind: 'object',
  required: { t: { kind: 'string', min: 1, max: MAX_NAME_LENGTH } },
  optional: { p: path },
};

const op: Shape = { kind: 'union', by: 't', cases: { life, set, add: element, rm: element, inc, lww }, other: later };

const record: ShapeOf<RecordChange> = {
  kind: 'object',
  required: {
    c: { kind: 'string', min: 1, max: MAX_NAME_LENGTH, without: '/#+' },
    id,
    rv: dots,
    ops: { kind: 'list', of: op, min: 1, max: 'opsPerRecord' },
  },
  optional: {},
};

const person: ObjectShape = { kind: 'object', required: { id }, optional: { name: displayName } };
export const writer: ShapeOf<Writer> = { kind: 'object', required: { device: person }, optional: { user: person } };

export const CHANGE: ShapeOf<Change> = {
  kind: 'object',
  required: { dot, hlc, recs: { kind: 'list', of: record, min: 0, max: 'recordsPerChange' } },
  optional: {
    deps: vector,
    ex: { kind: 'list', of: dot, min: 0, max: 1 },
    kind: { kind: 'string', min: 1, max: MAX_NAME_LENGTH },
    label: { kind: 'string', min: 0, max: MAX_LABEL_LENGTH },
    writer,
    was: { kind: 'string', min: 22, max: 22 },
  },
};

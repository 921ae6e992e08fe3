/**
 * The schema of protocol version 1 as data: every frame, field by field. The codec checks by it and
 * `schema-hash.test.ts` hashes it, so a change here is a new version with a line in `versions.ts`.
 *
 * The types below hold it against the interfaces in `messages.ts`: the same fields, optional alike. The shape of a change is in
 * `change-schema.ts`.
 */
import type { Eviction, Membership, Publication } from '../core/control.ts';
import type { EntryJson, LifeJson, RecordJson } from '../core/record-json.ts';
import type { Published, Topology } from '../core/topology.ts';
import { base, CHANGE, dot, hlc, id, json, MAX, over, vector, writer, type ShapeOf } from './change-schema.ts';
import { MAX_NAME_LENGTH } from './limits.ts';
import { CLOSE } from './messages.ts';
import type {
  AliasEntry,
  Applied,
  Bootstrap,
  ChangeEntry,
  ControlEntry,
  ErrorFrame,
  Hello,
  Page,
  Ping,
  Pong,
  Push,
  Pushed,
  Refusal,
  Snapshot,
  SnapshotRecord,
  Staged,
  Welcome,
} from './messages.ts';
import type { ObjectShape, Shape } from './shape.ts';

/** Longest token in a hello. */
export const MAX_TOKEN_LENGTH = 16_384;
/** Most incarnations in one hello: one is added whenever an open database gets its first write and cannot send it. */
export const MAX_WRITERS = 10_000;

const count: Shape = { kind: 'integer', min: 0, max: MAX };
const timeMs: Shape = { kind: 'integer', min: 0, max: MAX };
const message: Shape = { kind: 'string', min: 0, max: 4096 };
/** Not the list of codes: one that a newer server uses is read as INTERNAL. */
const code: Shape = { kind: 'string', min: 1, max: 64 };
const known: Shape = { kind: 'by-inc', of: count, max: MAX_WRITERS };

/** 128 bits in base64url. */
const hash: Shape = { kind: 'string', min: 22, max: 22 };
const chain: Shape = { kind: 'by-sid', of: hash };
const stamp: Shape = { kind: 'tuple', of: [{ kind: 'sid' }, { kind: 'integer', min: 1, max: MAX }] };
const snapshotId: Shape = { kind: 'string', min: 1, max: 64 };
const agreed: Shape = { kind: 'one-of', values: [true] };
const resume: ObjectShape = { kind: 'object', required: { id: snapshotId, next: count }, optional: {} };

const hello: ShapeOf<Hello> = {
  kind: 'object',
  required: {
    type: json,
    protocol: { kind: 'integer', min: 1, max: MAX },
    space: id,
    device: id,
    cursor: vector,
    writers: { kind: 'list', of: { kind: 'inc' }, min: 0, max: MAX_WRITERS },
  },
  optional: {
    token: { kind: 'string', min: 1, max: MAX_TOKEN_LENGTH },
    chain,
    wantsSnapshot: agreed,
    resume,
    peer: { kind: 'sid' },
    deflate: agreed,
  },
};

/** A push is a frame when its changes have dots; each change is checked by itself, so that a bad one is refused by name. */
const withDot: ObjectShape = { kind: 'object', required: { dot }, optional: {} };
const push: ShapeOf<Push> = {
  kind: 'object',
  required: { type: json, changes: { kind: 'list', of: withDot, min: 1, max: 'changesPerPush' } },
  optional: {},
};

const applied: ShapeOf<Applied> = { kind: 'object', required: { type: json, cursor: vector }, optional: {} };
const staged: ShapeOf<Staged> = {
  kind: 'object',
  required: { type: json, id: snapshotId, piece: count },
  optional: {},
};
const ping: ShapeOf<Ping> = { kind: 'object', required: { type: json }, optional: {} };

const toldLimits: ShapeOf<Welcome['limits']> = {
  kind: 'object',
  required: { frameBytes: count, changeBytes: count, changesPerPush: count, heartbeatMs: count },
  optional: {},
};
const published: ShapeOf<Published> = {
  kind: 'object',
  required: { knows: vector, horizon: vector, safe: vector },
  optional: {},
};
const topology: ShapeOf<Topology> = {
  kind: 'object',
  required: { members: { kind: 'by-sid', of: published }, evicted: vector },
  optional: {},
};
const bootstrap: ShapeOf<Bootstrap> = {
  kind: 'object',
  required: {
    id: snapshotId,
    why: { kind: 'one-of', values: ['truncated', 'forked', 'asked'] },
    cursor: vector,
    chain,
    topology,
    digest: { kind: 'string', min: 32, max: 32 },
    known,
    pieces: { kind: 'integer', min: 1, max: MAX },
    records: count,
    from: count,
  },
  optional: { voids: { kind: 'by-inc', of: { kind: 'list', of: count, min: 1, max: MAX }, max: MAX_WRITERS } },
};

const welcome: ShapeOf<Welcome> = {
  kind: 'object',
  required: {
    type: json,
    protocol: { kind: 'integer', min: 1, max: MAX },
    sid: { kind: 'sid' },
    cursor: vector,
    known,
    serverTime: timeMs,
    founders: { kind: 'list', of: { kind: 'sid' }, min: 1, max: 64 },
    limits: toldLimits,
  },
  optional: { bootstrap, deflate: agreed },
};

const recordName: ObjectShape = {
  kind: 'object',
  required: { c: { kind: 'string', min: 1, max: MAX_NAME_LENGTH }, id },
  optional: {},
};
const refusal: ShapeOf<Refusal> = {
  kind: 'object',
  required: { dot, code, message, serverTime: timeMs },
  optional: { record: recordName },
};
const pushed: ShapeOf<Pushed> = { kind: 'object', required: { type: json, known }, optional: { refused: refusal } };

const changeEntry: ShapeOf<ChangeEntry> = {
  kind: 'object',
  required: { stamp, dot },
  optional: { hlc, change: CHANGE },
};
const aliasEntry: ShapeOf<AliasEntry> = {
  kind: 'object',
  required: { stamp, dot, alias: { kind: 'one-of', values: [true] } },
  optional: {},
};

const pub: ShapeOf<Publication> = {
  kind: 'object',
  required: { t: json, knows: vector, horizon: vector },
  optional: { safe: vector },
};
const member: ShapeOf<Membership> = { kind: 'object', required: { t: json, sid: { kind: 'sid' } }, optional: {} };
const evict: ShapeOf<Eviction> = {
  kind: 'object',
  required: { t: json, sid: { kind: 'sid' }, final: count },
  optional: {},
};
/** A control entry that this version does not know: kept and passed on. */
const laterControl: ObjectShape = {
  kind: 'object',
  required: { t: { kind: 'string', min: 1, max: MAX_NAME_LENGTH } },
  optional: {},
};
const control: Shape = { kind: 'union', by: 't', cases: { pub, member, evict }, other: laterControl };
const controlEntry: ShapeOf<ControlEntry> = { kind: 'object', required: { stamp, control }, optional: {} };

/** Told apart by the key that only it has. */
const entry: Shape = { kind: 'one-with', cases: { control: controlEntry, alias: aliasEntry }, other: changeEntry };

const page: ShapeOf<Page> = {
  kind: 'object',
  required: {
    type: json,
    entries: { kind: 'list', of: entry, min: 0, max: 'entriesPerPage' },
    cursor: vector,
    head: vector,
  },
  optional: { chain, digest: { kind: 'string', min: 32, max: 32 } },
};

const place: Shape = { kind: 'integer', min: 0, max: MAX };
const stamps: Shape = { kind: 'list', of: stamp, min: 1, max: 'marksPerRecord' };
const lifeJson: ShapeOf<LifeJson> = {
  kind: 'object',
  required: { m: place, v: { kind: 'one-of', values: ['live', 'dead', 'zombie'] } },
  optional: { of: id, stamp, more: json },
};
const entryJson: ShapeOf<EntryJson> = {
  kind: 'object',
  required: { m: place },
  optional: { v: json, base, first: hlc, over, stamps, more: json },
};
const recordJson: ShapeOf<RecordJson> = {
  kind: 'object',
  required: {
    marks: { kind: 'list', of: { kind: 'tuple', of: [dot, hlc] }, min: 0, max: 'marksPerRecord' },
    rv: { kind: 'list', of: place, min: 0, max: 'marksPerRecord' },
    life: { kind: 'list', of: lifeJson, min: 0, max: 'marksPerRecord' },
    cells: { kind: 'by-path', of: { kind: 'list', of: entryJson, min: 1, max: 'marksPerRecord' } },
  },
  optional: {
    counters: { kind: 'by-path', of: { kind: 'integer', min: -MAX, max: MAX } },
    hot: { kind: 'by-path', of: entryJson },
  },
};
const snapshotRecord: ShapeOf<SnapshotRecord> = {
  kind: 'object',
  required: { c: { kind: 'string', min: 1, max: MAX_NAME_LENGTH }, id, state: recordJson },
  optional: {},
};
const knownWriter: ObjectShape = {
  kind: 'object',
  required: { inc: { kind: 'inc' }, ...writer.required },
  optional: writer.optional,
};
const snapshot: ShapeOf<Snapshot> = {
  kind: 'object',
  required: {
    type: json,
    id: snapshotId,
    piece: count,
    records: { kind: 'list', of: snapshotRecord, min: 0, max: 'recordsPerPiece' },
    writers: { kind: 'list', of: knownWriter, min: 0, max: 'marksPerRecord' },
    recent: {
      kind: 'list',
      of: { ...changeEntry, required: { stamp, dot, change: CHANGE } },
      min: 0,
      max: 'entriesPerPage',
    },
  },
  optional: {},
};
const pong: ShapeOf<Pong> = { kind: 'object', required: { type: json, serverTime: timeMs }, optional: {} };
const error: ShapeOf<ErrorFrame> = { kind: 'object', required: { type: json, code, message }, optional: {} };

export const DEVICE_MESSAGE: Shape = { kind: 'union', by: 'type', cases: { hello, push, applied, staged, ping } };
export const SERVER_MESSAGE: Shape = {
  kind: 'union',
  by: 'type',
  cases: { welcome, pushed, page, snapshot, pong, error },
};

/** Everything that two ends must agree about; its hash is in `versions.ts`. */
export const SCHEMA = { device: DEVICE_MESSAGE, server: SERVER_MESSAGE, change: CHANGE, close: CLOSE };

/** Servers of one space without network or clock, for tests of the decisions alone. */
import type { Change, Op } from '../core/change.ts';
import { hashOfChange, withoutDependencies } from '../core/change.ts';
import { hlcAt } from '../core/clock.ts';
import { dotOf, incOf, type Dot } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import type { LogEntry } from '../protocol/messages.ts';
import { emptySpace, transact, type SpaceDisk } from '../testing/memory-space.ts';
import { decidePull, type PullOutcome } from './decide-pull.ts';
import { decidePush, type PushDecision } from './decide-push.ts';
import type { NewEntry } from './space.ts';

export const NOW_MS = 1_800_000_000_000;
/** A generated id: its tombstone may be forgotten. */
export const ROW = '0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e10';

export const sidOf = (name: string): Sid => name.padEnd(11, '-');
export const incNamed = (name: string): string => name.padEnd(16, '_');

export class SpaceServer {
  readonly sid: Sid;
  disk: SpaceDisk;

  constructor(name: string, founders: readonly string[] = [name]) {
    this.sid = sidOf(name);
    this.disk = emptySpace(founders.map(sidOf));
  }

  get cursor(): VersionVector {
    return this.disk.meta.cursor;
  }

  push(...changes: readonly Change[]): PushDecision {
    const prepared = changes.map((change) => ({
      change,
      hash: hashOfChange(change),
      text: canonicalJson(withoutDependencies(change) as unknown as Json),
      isPermitted: true,
    }));
    const incs = [...new Set(changes.map(({ dot }) => incOf(dot)))];
    const push = { owner: null, changes: prepared, bad: null, incs };
    return transact(this.disk, this.sid, (view) => decidePush(push, view, { nowMs: NOW_MS, driftMs: 60_000 }));
  }

  /** Takes everything that the other one has and this one lacks, or the first `max` entries of it. */
  pull(from: SpaceServer, max = Infinity): PullOutcome {
    const missing = from.disk.log.filter(({ stamp: [sid, n] }) => n > (this.cursor[sid] ?? 0)).slice(0, max);
    return transact(this.disk, this.sid, (view) => decidePull(missing.map(asLogEntry), view));
  }

  /** What is in the log, one word an entry. */
  get words(): string[] {
    return this.disk.log.map(({ kind, dot, stamp }) => `${kind === 'change' ? '' : `${kind} `}${dot ?? stamp[0]}`);
  }
}

export function asLogEntry(entry: NewEntry): LogEntry {
  const { stamp } = entry;
  if (entry.kind === 'control') return { stamp, control: JSON.parse(entry.text!) };
  if (entry.text === null) return { stamp, dot: entry.dot!, alias: true };
  return { stamp, dot: entry.dot!, change: JSON.parse(entry.text!) as Change };
}

/** A change of one record. */
export function changeOn(id: string, dot: Dot, ops: readonly Op[], rest: Partial<Change> = {}): Change {
  return { dot, hlc: hlcAt(NOW_MS), recs: [{ c: 'notes', id, rv: [], ops }], ...rest };
}

export function creation(name: string, seq = 1, id = ROW, rest: Partial<Change> = {}): Change {
  const ops: Op[] = [
    { t: 'life', v: 'live', pred: [] },
    { t: 'inc', p: 'likes#c', n: 1 },
  ];
  return changeOn(id, dotOf(incNamed(name), seq), ops, rest);
}

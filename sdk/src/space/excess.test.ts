import { describe, expect, it } from 'vitest';

import { hashOfChange, withoutDependencies, type Change, type Op } from '../core/change.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { decidePush, type PushDecision } from './decide-push.ts';
import type { SpaceLimits } from './excess.ts';
import { incNamed, NOW_MS, sidOf } from './space.fixture.ts';
import { newSpaceMeta, viewSpace, type SpaceView } from './space.ts';
import { hlcAt } from '../core/clock.ts';

const SID = sidOf('server');
const NONE: SpaceLimits = { siblingsPerField: 1_000, recordBytes: 1_000_000, spaceBytes: 1_000_000_000 };
const NAMES = Array.from({ length: 30 }, (_, i) => `w${i}`);

const emptyView = (bytes = 0): SpaceView =>
  viewSpace(SID, newSpaceMeta([SID]), { known: new Map(), hashes: new Map(), records: new Map(), bytes });

/** `name` is the writer; what it does not name in `seen` is concurrent. */
function change(name: string, seq: number, ops: readonly Op[], seen: readonly string[] = [], id = 'r'): Change {
  return { dot: `${incNamed(name)}.${seq}`, hlc: hlcAt(NOW_MS), recs: [{ c: 'notes', id, rv: seen, ops }] };
}
const set = (p: string, v: Json, pred: readonly string[] = []): Op => ({ t: 'set', p, v, pred });
const life = (v: 'live' | 'dead', pred: readonly string[] = []): Op => ({ t: 'life', v, pred });

function push(view: SpaceView, limits: Partial<SpaceLimits>, ...changes: readonly Change[]): PushDecision {
  const prepared = changes.map((one) => ({
    change: one,
    hash: hashOfChange(one),
    text: canonicalJson(withoutDependencies(one) as unknown as Json),
    isPermitted: true,
  }));
  const incs = NAMES.map(incNamed);
  const rules = { nowMs: NOW_MS, driftMs: 60_000, limits: { ...NONE, ...limits } };
  return decidePush({ owner: null, changes: prepared, bad: null, incs }, view, rules);
}

describe('how large things may grow', () => {
  it('[XCS1] more siblings of a field than one write can name are refused, and the write that settles them is not', () => {
    const view = emptyView();
    const limits = { siblingsPerField: 5 };
    const writes = NAMES.slice(0, 6).map((name) => change(name, 1, [set('title', name)]));
    expect(push(view, limits, ...writes)).toMatchObject({
      accepted: writes.slice(0, 5).map(({ dot }) => dot),
      refused: { dot: writes[5]!.dot, code: 'TOO_LARGE' },
    });
    const all = writes.slice(0, 5).map(({ dot }) => dot);
    const settled = change('w7', 1, [set('title', 'settled', all)], all);
    expect(push(view, limits, settled)).not.toHaveProperty('refused');
    expect(push(view, limits, writes[5]!)).not.toHaveProperty('refused');
  });

  it('[XCS1] so are more changes in the frontier of a record, whatever they write, and elements of sets', () => {
    const view = emptyView();
    const writes = NAMES.slice(0, 6).map((name, i) => change(name, 1, [set(`field${i}`, name)]));
    expect(push(view, { siblingsPerField: 5 }, ...writes)).toMatchObject({
      accepted: { length: 5 },
      refused: { code: 'TOO_LARGE' },
    });
    const adds = NAMES.slice(10, 16).map((name, i) =>
      change(name, 1, [{ t: 'add', p: 'tags/"a"', pred: [] }], i === 0 ? [] : [`${incNamed(NAMES[9 + i]!)}.1`], 's'),
    );
    expect(push(view, { siblingsPerField: 5 }, ...adds)).toMatchObject({
      accepted: { length: 5 },
      refused: { code: 'TOO_LARGE' },
    });
  });

  it('[XCS2] a record grows up to its limit, in one change or in many; what makes it smaller, and its delete, is let in', () => {
    const view = emptyView();
    const limits = { recordBytes: 2_000 };
    const made = change('w0', 1, [life('live'), set('a', 'x'.repeat(1_000))]);
    expect(push(view, limits, change('w9', 1, [set('a', 'x'.repeat(2_000))], [], 'big'))).toMatchObject({
      refused: { code: 'TOO_LARGE' },
    });
    expect(push(view, limits, made)).not.toHaveProperty('refused');
    // Replaced again and again it does not grow.
    let before = made.dot;
    for (let seq = 2; seq < 8; seq++) {
      const next = change('w0', seq, [set('a', `${seq}`.repeat(1_000), [before])], [before]);
      expect(push(view, limits, next)).not.toHaveProperty('refused');
      before = next.dot;
    }
    expect(push(view, limits, change('w1', 1, [set('b', 'x'.repeat(1_000))]))).toMatchObject({
      refused: { code: 'TOO_LARGE' },
    });
    // Under a limit that was lowered since.
    const lower = { recordBytes: 500 };
    const shorter = change('w2', 1, [set('a', 'x'.repeat(700), [before])], [before]);
    expect(push(view, lower, shorter)).not.toHaveProperty('refused');
    expect(push(view, lower, change('w3', 1, [life('dead', [made.dot])], [shorter.dot]))).not.toHaveProperty('refused');
  });

  it('[XCS3] a full space refuses for now what adds to it, and lets rows be deleted', () => {
    const view = emptyView();
    const made = change('w0', 1, [life('live'), set('a', 'x')]);
    expect(push(view, {}, made)).not.toHaveProperty('refused');
    const full = { spaceBytes: view.bytes };
    const more = change('w1', 1, [life('live'), set('a', 'y')], [], 'other');
    expect(push(view, full, more).refused).toMatchObject({ dot: more.dot, code: 'STORAGE_FULL' });
    const gone = change('w2', 1, [life('dead', [made.dot])], [made.dot]);
    expect(push(view, full, gone)).not.toHaveProperty('refused');
    // Of what is not there any more there is nothing to delete.
    const again = change('w3', 1, [life('dead', [gone.dot])], [gone.dot]);
    expect(push(view, full, again).refused).toMatchObject({ code: 'STORAGE_FULL' });
    expect(push(view, full, { ...more, recs: [], was: hashOfChange(more) })).not.toHaveProperty('refused');
  });

  it('[XCS3] what was added in the same transaction counts', () => {
    const view = emptyView();
    const writes = NAMES.slice(0, 10).map((name) => change(name, 1, [set('a', 'x'.repeat(1_000))], [], name));
    const { accepted, refused } = push(view, { spaceBytes: 10_000 }, ...writes);
    expect(accepted).toHaveLength(4);
    expect(refused).toMatchObject({ dot: writes[4]!.dot, code: 'STORAGE_FULL' });
  });
});

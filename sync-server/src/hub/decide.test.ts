import { hlcAt, type Change } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { changeOf } from '../device.fixture.ts';
import { decidePush, viewOf, type SpaceView } from './decide.ts';
import { contentOf, type PreparedPush } from './prepare.ts';

const NOW_MS = 1_000_000_000_000;
const RULES = { sid: 'server', nowMs: NOW_MS, driftMs: 60_000 };
const INCS = ['A', 'B', 'C', 'D'].map((name) => name.repeat(16));
const [A, B, C, D] = INCS.map((inc) => changeOf(`${inc}.1`, { hlc: hlcAt(NOW_MS) })) as [
  Change,
  Change,
  Change,
  Change,
];
const EARLY = { hlc: hlcAt(NOW_MS + 60_001) };

function emptyView(): SpaceView {
  return viewOf({ head: 0, known: new Map(), hashes: new Map() });
}

function pushOf(changes: readonly Change[], rest: Partial<PreparedPush> = {}): PreparedPush {
  const prepared = changes.map((change) => ({ change, ...contentOf(change), isPermitted: true }));
  return { space: 'notes', owner: null, changes: prepared, bad: null, incs: INCS, ...rest };
}

describe('deciding a push', () => {
  it('[DEC1] stops at the first refusal: it is the one that is told, and nothing behind it is added', () => {
    const view = emptyView();
    const bad = { dot: 'x.1', code: 'INVALID_CHANGE', message: 'bad' } as const;
    const decision = decidePush(pushOf([A, { ...B, ...EARLY }, C, { ...D, ...EARLY }], { bad }), view, RULES);
    expect(decision.entries.map(({ dot, n }) => [dot, n])).toEqual([[A.dot, 1]]);
    expect(decision.refused).toMatchObject({ dot: B.dot, code: 'CLOCK', serverTime: NOW_MS });
    expect(Object.values(decision.known)).toEqual([1, 0, 0, 0]);
    expect(view.head).toBe(1);
  });

  it('[DEC2] a change that is not well-formed is told when all before it are accepted', () => {
    const bad = { dot: D.dot, code: 'INVALID_CHANGE', message: 'bad' } as const;
    const decision = decidePush(pushOf([A, B], { bad }), emptyView(), RULES);
    expect(decision.entries.map(({ dot }) => dot)).toEqual([A.dot, B.dot]);
    expect(decision.refused).toMatchObject(bad);
  });

  it('[DEC3] what the push before it in the same transaction has added is a duplicate', () => {
    const view = emptyView();
    decidePush(pushOf([A, B]), view, RULES);
    const { entries, refused, known } = decidePush(pushOf([A, B, C]), view, RULES);
    expect(entries.map(({ dot, n }) => [dot, n])).toEqual([[C.dot, 3]]);
    expect(refused).toBeUndefined();
    expect(Object.values(known)).toEqual([1, 1, 1, 0]);
  });
});

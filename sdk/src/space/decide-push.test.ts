import { describe, expect, it } from 'vitest';

import { hashOfChange, withoutDependencies, type Change } from '../core/change.ts';
import { hlcAt } from '../core/clock.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { decidePush, type PreparedPush } from './decide-push.ts';
import { creation, incNamed, NOW_MS, sidOf } from './space.fixture.ts';
import { newSpaceMeta, viewSpace, type SpaceView } from './space.ts';

const SID = sidOf('server');
const RULES = { nowMs: NOW_MS, driftMs: 60_000 };
const NAMES = ['a', 'b', 'c', 'd'];
const [A, B, C, D] = NAMES.map((name) => creation(name, 1, name)) as [Change, Change, Change, Change];
const EARLY = { hlc: hlcAt(NOW_MS + 60_001) };

function emptyView(): SpaceView {
  return viewSpace(SID, newSpaceMeta([SID]), { known: new Map(), hashes: new Map(), records: new Map() });
}

function pushOf(changes: readonly Change[], rest: Partial<PreparedPush> = {}): PreparedPush {
  const prepared = changes.map((change) => ({
    change,
    hash: hashOfChange(change),
    text: canonicalJson(withoutDependencies(change) as unknown as Json),
    isPermitted: true,
  }));
  return { owner: null, changes: prepared, bad: null, incs: NAMES.map(incNamed), ...rest };
}

function added({ entries }: SpaceView): unknown {
  return entries.map(({ dot, lsn, stamp }) => [dot, lsn, stamp]);
}

describe('deciding a push', () => {
  it('[DEC1] stops at the first refusal: it is the one that is told, and nothing behind it is added', () => {
    const view = emptyView();
    const bad = { dot: 'x.1', code: 'INVALID_CHANGE', message: 'bad' } as const;
    const decision = decidePush(pushOf([A, { ...B, ...EARLY }, C, { ...D, ...EARLY }], { bad }), view, RULES);
    expect(added(view)).toEqual([[A.dot, 1, [SID, 1]]]);
    expect(decision.accepted).toEqual([A.dot]);
    expect(decision.refused).toMatchObject({ dot: B.dot, code: 'CLOCK', serverTime: NOW_MS });
    expect(Object.values(decision.known)).toEqual([1, 0, 0, 0]);
    expect(view.meta).toMatchObject({ lsn: 1, cursor: { [SID]: 1 } });
    expect([...view.changed]).toEqual(['notes\u0000a']);
  });

  it('[DEC2] a change that is not well-formed is told when all before it are accepted', () => {
    const bad = { dot: D.dot, code: 'INVALID_CHANGE', message: 'bad' } as const;
    const decision = decidePush(pushOf([A, B], { bad }), emptyView(), RULES);
    expect(decision.accepted).toEqual([A.dot, B.dot]);
    expect(decision.refused).toMatchObject(bad);
  });

  it('[DEC3] what the push before it in the same transaction has added is a duplicate', () => {
    const view = emptyView();
    decidePush(pushOf([A, B]), view, RULES);
    const { accepted, refused, known } = decidePush(pushOf([A, B, C]), view, RULES);
    expect(accepted).toEqual([C.dot]);
    expect(added(view)).toEqual([A, B, C].map(({ dot }, i) => [dot, i + 1, [SID, i + 1]]));
    expect(refused).toBeUndefined();
    expect(Object.values(known)).toEqual([1, 1, 1, 0]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { applyRecordChange } from './apply.ts';
import { openConflicts } from './conflict.ts';
import { canonicalState, histories, reorder, SCHEMA, stateOf, type Written } from './history.fixture.ts';
import { raiseStamp } from './raise-stamp.ts';
import { compareMarks, createRecord, rankOf } from './record.ts';
import { viewRecord } from './view.ts';

const runs = { numRuns: 400 };
const choices = fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 });

/** Writes of a path that no other write of it comes after: what must be live, by the truth alone. */
function maximal(written: readonly Written[], touches: (one: Written) => boolean): string[] {
  const mine = written.filter(touches);
  return mine.filter((one) => !mine.some((other) => other.past.has(one.mark.dot))).map((one) => one.mark.dot);
}

const isHotOnly = (one: Written) => one.change.ops.every((op) => op.t === 'lww');
const writes = (path: string) => (one: Written) => one.change.ops.some((op) => op.t !== 'life' && op.p === path);
const paths = (written: readonly Written[]) =>
  new Set(written.flatMap((one) => one.change.ops.flatMap((op) => (op.t === 'set' ? [op.p] : []))));

describe('applying changes', () => {
  it('[APP1] is commutative for concurrent changes: every causal order gives the same state, row and conflicts', () => {
    fc.assert(
      fc.property(histories, choices, ({ written }, order) => {
        const one = stateOf(written);
        const other = stateOf(reorder(written, order));
        expect(canonicalState(other)).toBe(canonicalState(one));
        expect(viewRecord(SCHEMA, 'r', other).row).toEqual(viewRecord(SCHEMA, 'r', one).row);
        expect(
          openConflicts(SCHEMA, 'r', other)
            .map(({ id }) => id)
            .sort(),
        ).toEqual(
          openConflicts(SCHEMA, 'r', one)
            .map(({ id }) => id)
            .sort(),
        );
      }),
      runs,
    );
  });

  it('[APP2] is associative: replicas that learned in different portions agree once they know the same', () => {
    fc.assert(
      fc.property(histories, choices, ({ written, replicas }, order) => {
        for (const replica of replicas) {
          const known = written.filter((one) => replica.applied.has(one.mark.dot));
          expect(canonicalState(stateOf(reorder(known, order)))).toBe(canonicalState(replica.state));
        }
      }),
      runs,
    );
  });

  it('[APP3] keeps exactly the concurrent writes of a register: causal pairs never conflict, concurrent pairs always stay', () => {
    fc.assert(
      fc.property(histories, ({ written }) => {
        const state = stateOf(written);
        for (const path of paths(written)) {
          const live = (state.cells.get(path) ?? []).map((entry) => entry.dot);
          const removals = written.filter((one) => one.change.ops.some((op) => op.t === 'rm' && op.p === path));
          const gone = new Set(removals.map((one) => one.mark.dot));
          const last = maximal(written, writes(path)).filter((dot) => !gone.has(dot));
          expect(live.sort()).toEqual(last.sort());
        }
        expect(state.rv.map((mark) => mark.dot).sort()).toEqual(maximal(written, (one) => !isHotOnly(one)).sort());
      }),
      runs,
    );
  });

  it('[APP4] opens a conflict on an ask field exactly when concurrent writes hold different values', () => {
    fc.assert(
      fc.property(histories, ({ written }) => {
        const state = stateOf(written);
        if (viewRecord(SCHEMA, 'r', state).row === null) return;
        const values = new Set((state.cells.get('title') ?? []).map((entry) => JSON.stringify(entry.v)));
        const open = openConflicts(SCHEMA, 'r', state).some(
          (conflict) => conflict.kind === 'field' && conflict.path === 'title',
        );
        expect(open).toBe(values.size > 1);
      }),
      runs,
    );
  });

  it('[APP5] adds up a counter: every increment once, whatever the order', () => {
    fc.assert(
      fc.property(histories, choices, ({ written }, order) => {
        const sum = written
          .flatMap((one) => one.change.ops)
          .reduce((total, op) => total + (op.t === 'inc' ? op.n : 0), 0);
        expect(stateOf(reorder(written, order)).counters.get('likes#c') ?? 0).toBe(sum);
      }),
      runs,
    );
  });

  it('[APP6] keeps an element of a set when an add was not seen by its removal', () => {
    fc.assert(
      fc.property(histories, ({ written }) => {
        const state = stateOf(written);
        for (const element of ['a', 'b', 'c']) {
          const path = `tags/"${element}"`;
          const adds = written.filter((one) => one.change.ops.some((op) => op.t === 'add' && op.p === path));
          const stays = adds.filter((add) => !written.some((one) => writes(path)(one) && one.past.has(add.mark.dot)));
          expect((state.cells.get(path) ?? []).map((entry) => entry.dot).sort()).toEqual(
            stays.map((one) => one.mark.dot).sort(),
          );
        }
      }),
      runs,
    );
  });

  it('[HOT1] keeps the greatest write of a hot register by clock and dot, and nothing else of it', () => {
    fc.assert(
      fc.property(histories, choices, ({ written }, order) => {
        const writers = written.flatMap(({ mark, change }) =>
          change.ops.flatMap((op) =>
            op.t === 'lww' ? [{ dot: mark.dot, hlc: Math.max(mark.hlc, (op.over ?? -1) + 1), v: op.v }] : [],
          ),
        );
        const greatest = writers.toSorted(compareMarks).at(-1);
        const held = stateOf(reorder(written, order)).hot?.get('seen#h');
        expect(held && { v: held.v, dot: held.dot, hlc: rankOf(held) }).toEqual(greatest);
      }),
      runs,
    );
  });

  it('[HOT11] a hot write never loses to one that its writer had seen, whatever the clocks say', () => {
    fc.assert(
      fc.property(histories, choices, ({ written }, order) => {
        const writers = written.filter(writes('seen#h'));
        const held = stateOf(reorder(written, order)).hot?.get('seen#h');
        expect(writers.filter((one) => held && one.past.has(held.dot)).map((one) => one.mark.dot)).toEqual([]);
      }),
      runs,
    );
  });

  it('[HOT11] [APP1] the greatest stamp of one write stays, in whatever order its stamps come', () => {
    const writes = fc.record({ dot: fc.nat(3), hlc: fc.nat(6), over: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(writes, { minLength: 1, maxLength: 12 }), choices, (all, order) => {
        // Under one dot there is one content; only the stamp may differ.
        const overs = new Map(all.map(({ dot, over }) => [dot, over * 2]));
        const play = (one: typeof all): string => {
          const record = createRecord();
          const here = new Set<number>();
          for (const { dot, hlc } of one) {
            const mark = { dot: `replica${dot}________.1`, hlc };
            const over = overs.get(dot)!;
            const op = { t: 'lww', p: 'seen#h', v: dot, ...(over === 0 ? {} : { over }) } as const;
            const change = { c: 'notes', id: 'r', rv: [], ops: [op] };
            if (here.has(dot)) raiseStamp(record, mark, change);
            else applyRecordChange(record, mark, change);
            here.add(dot);
          }
          return canonicalState(record);
        };
        expect(
          play(
            all
              .map((_, i) => [order[i % order.length]!, i] as const)
              .sort((a, b) => a[0] - b[0])
              .map(([, i]) => all[i]!),
          ),
        ).toBe(play(all));
      }),
      runs,
    );
  });

  it('[DEL1] contests a record exactly when a delete and an edit had not seen each other', () => {
    fc.assert(
      fc.property(histories, ({ written }) => {
        const state = stateOf(written);
        if (written.length === 0) return;
        const isDelete = (one: Written) => one.change.ops.some((op) => op.t === 'life' && op.v === 'dead');
        const lives = (one: Written) => one.change.ops.some((op) => op.t === 'life');
        const last = written.filter((one) => maximal(written, lives).includes(one.mark.dot));
        const frontier = maximal(written, (one) => !isHotOnly(one));
        const deletes = last.filter(isDelete);
        const isContested =
          deletes.length > 0 &&
          (deletes.length < last.length || frontier.some((dot) => !deletes.some((one) => one.mark.dot === dot)));
        expect(openConflicts(SCHEMA, 'r', state).some((conflict) => conflict.kind === 'delete')).toBe(isContested);
      }),
      runs,
    );
  });
});

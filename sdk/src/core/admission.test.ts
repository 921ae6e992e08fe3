import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { admit, type AdmissionFacts } from './admission.ts';
import { hashOfChange, type Change } from './change.ts';
import { hlcAt } from './clock.ts';
import { dotOf, incOf, seqOf, type Dot } from './dot.ts';

const SID = 'SSSSSSSSSSS';
const A = 'AAAAAAAAAAAAAAAA';
const B = 'BBBBBBBBBBBBBBBB';
const NOW = 1_790_000_000_000;
const DRIFT = 60_000;

function change(dot: Dot, rest: Partial<Change> = {}): Change {
  return { dot, hlc: hlcAt(NOW), recs: [{ c: 'notes', id: 'n', rv: [], ops: [{ t: 'inc', p: 'x', n: 1 }] }], ...rest };
}

function facts(rest: Partial<AdmissionFacts> = {}): AdmissionFacts {
  return {
    known: { [A]: 2 },
    storedHash: null,
    hash: 'h',
    cursor: { [SID]: 10 },
    recordOf: () => undefined,
    promised: {},
    horizon: {},
    permitted: true,
    isWithdrawn: () => false,
    ...rest,
  };
}

const decide = (one: Change, rest: Partial<AdmissionFacts> = {}) => admit(facts(rest), one, NOW, DRIFT);
const codeOf = (one: Change, rest: Partial<AdmissionFacts> = {}): string => {
  const admission = decide(one, rest);
  return admission.type === 'refused' ? admission.code : admission.type;
};

describe('admission', { timeout: 30_000 }, () => {
  it('[ADM1] the next change of a writer is accepted', () => {
    expect(decide(change(`${A}.3`))).toEqual({ type: 'accepted' });
    expect(decide(change(`${B}.1`))).toEqual({ type: 'accepted' });
  });

  it('[ADM2] the same dot with the same content is a duplicate, with other content EQUIVOCATION', () => {
    expect(codeOf(change(`${A}.2`), { storedHash: 'h' })).toBe('duplicate');
    expect(codeOf(change(`${A}.2`), { storedHash: 'other' })).toBe('EQUIVOCATION');
    expect(codeOf(change(`${A}.1`), { storedHash: null })).toBe('duplicate');
  });

  it('[ADM3] a writer comes in order: what follows a hole is GAP', () => {
    expect(codeOf(change(`${A}.4`))).toBe('GAP');
    expect(codeOf(change(`${A}.1000000000`))).toBe('GAP');
    expect(codeOf(change(`${B}.2`))).toBe('GAP');
  });

  it('[ADM4] a dependency that is not here is BEHIND', () => {
    expect(codeOf(change(`${A}.3`, { deps: { [SID]: 10 } }))).toBe('accepted');
    expect(codeOf(change(`${A}.3`, { deps: { [SID]: 11 } }))).toBe('BEHIND');
    expect(codeOf(change(`${A}.3`, { deps: { TTTTTTTTTTT: 1 } }))).toBe('BEHIND');
    expect(codeOf(change(`${B}.1`, { ex: [`${A}.2`] }))).toBe('accepted');
    expect(codeOf(change(`${B}.1`, { ex: [`${A}.3`] }))).toBe('BEHIND');
    expect(codeOf(change(`${A}.3`, { ex: [`${B}.1`] }))).toBe('BEHIND');
  });

  it('[ADM5] a stamp may be ahead by the bound and no more; behind it may be as far as it likes', () => {
    expect(codeOf(change(`${A}.3`, { hlc: hlcAt(NOW + DRIFT) }))).toBe('accepted');
    expect(codeOf(change(`${A}.3`, { hlc: hlcAt(NOW + DRIFT + 1) }))).toBe('CLOCK');
    expect(codeOf(change(`${A}.3`, { hlc: 0 }))).toBe('accepted');
  });

  it('[ADM6] what a peer may not write is FORBIDDEN', () => {
    expect(codeOf(change(`${A}.3`), { permitted: false })).toBe('FORBIDDEN');
  });

  it('[ADM7] the first of several reasons is told: content, gap, dependencies, clock, rights', () => {
    const all = { deps: { [SID]: 99 }, hlc: hlcAt(NOW + 2 * DRIFT) };
    expect(codeOf(change(`${A}.2`, all), { storedHash: 'other', permitted: false })).toBe('EQUIVOCATION');
    expect(codeOf(change(`${A}.2`, all), { storedHash: 'h', permitted: false })).toBe('duplicate');
    expect(codeOf(change(`${A}.4`, all), { permitted: false })).toBe('GAP');
    expect(codeOf(change(`${A}.3`, all), { permitted: false })).toBe('BEHIND');
    expect(codeOf(change(`${A}.3`, { hlc: all.hlc }), { permitted: false })).toBe('CLOCK');
  });

  it('[ADM8] a name of a built-in property is an unknown writer', () => {
    expect(codeOf(change('__defineGetter__.1'), { known: {} })).toBe('accepted');
    expect(codeOf(change('__defineGetter__.2'), { known: {} })).toBe('GAP');
  });

  it('[ADM9] whatever is pushed, the log holds each dot once, writers in order, causes before effects', () => {
    fc.assert(
      fc.property(fc.array(anyChange(), { maxLength: 60 }), (pushed) => {
        const server = new ModelServer();
        for (const one of pushed) server.push(one);
        server.check();
      }),
    );
  });

  it('[ADM10] pushing everything again changes nothing', () => {
    fc.assert(
      fc.property(fc.array(anyChange(), { maxLength: 40 }), (pushed) => {
        const server = new ModelServer();
        for (const one of pushed) server.push(one);
        const before = [...server.log];
        expect(before.map((one) => server.push(one))).toEqual(before.map(() => 'duplicate'));
        expect(server.log).toEqual(before);
      }),
    );
  });
});

/** Few writers and small numbers, so that holes, repetitions and other content under one dot are frequent. */
function anyChange(): fc.Arbitrary<Change> {
  const inc = fc.constantFrom(A, B, 'CCCCCCCCCCCCCCCC');
  const dot = fc.tuple(inc, fc.integer({ min: 1, max: 6 })).map(([writer, seq]) => dotOf(writer, seq));
  return fc
    .record({
      dot,
      n: fc.integer({ min: 1, max: 2 }),
      deps: fc.option(fc.nat(12), { nil: undefined }),
      ex: fc.option(dot, { nil: undefined }),
    })
    .map(({ dot, n, deps, ex }) => ({
      dot,
      hlc: hlcAt(NOW),
      ...(deps === undefined ? {} : { deps: { [SID]: deps } }),
      ...(ex === undefined ? {} : { ex: [ex] }),
      recs: [{ c: 'notes', id: 'n', rv: [], ops: [{ t: 'inc', p: 'x', n }] }],
    }));
}

/** The smallest server: facts are computed from its log alone. */
class ModelServer {
  readonly log: Change[] = [];

  push(one: Change): string {
    const stored = this.log.find(({ dot }) => dot === one.dot);
    const admission = admit(
      {
        known: Object.fromEntries(this.log.map(({ dot }) => [incOf(dot), this.#count(incOf(dot))])),
        storedHash: stored ? hashOfChange(stored) : null,
        hash: hashOfChange(one),
        cursor: { [SID]: this.log.length },
        recordOf: () => undefined,
        promised: {},
        horizon: {},
        permitted: true,
        isWithdrawn: () => false,
      },
      one,
      NOW,
      DRIFT,
    );
    if (admission.type === 'accepted') this.log.push(one);
    return admission.type;
  }

  check(): void {
    this.log.forEach((one, position) => {
      const before = this.log.slice(0, position);
      const own = before.filter(({ dot }) => incOf(dot) === incOf(one.dot));
      expect(seqOf(one.dot)).toBe(own.length + 1);
      expect(one.deps?.[SID] ?? 0).toBeLessThanOrEqual(position);
      for (const cause of one.ex ?? []) expect(before.map(({ dot }) => dot)).toContain(cause);
    });
    expect(new Set(this.log.map(({ dot }) => dot)).size).toBe(this.log.length);
  }

  #count(inc: string): number {
    return this.log.filter(({ dot }) => incOf(dot) === inc).length;
  }
}

/** The suite that every storage passes: the contract, the differential contract, and what random histories lead to. */
import * as fc from 'fast-check';
import { digestOfRecord, EMPTY_DIGEST, exchange, recordFromJson, type Change, type Digest } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { ACCESS_CONTRACT } from './access.contract.ts';
import { contentOf, creation, push, STORAGE_CONTRACT, takePage, withStorage, type SpaceContent } from './contract.ts';
import { DIFFERENTIAL_CONTRACT } from './differential.contract.ts';
import type { StorageSource } from './port.ts';

/** `create` gives a storage without data, another one each time; `histories` are as many as its speed allows. */
export function describeStorage(name: string, create: () => StorageSource, histories = 40): void {
  describe(`storage: ${name}`, { timeout: 60_000 }, () => {
    for (const { name: title, run } of [...STORAGE_CONTRACT, ...DIFFERENTIAL_CONTRACT, ...ACCESS_CONTRACT])
      it(title, () => run(create(), create()));

    it('[DB18] the records and the digest that are kept are those that the log leads to', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const kept = await withStorage(create(), async (storage) => {
            let waiting: Change[] = [];
            for (const [i, change] of history(steps).entries()) {
              waiting.push(change);
              if (!steps[i]!.split) continue;
              await push(storage, 's', waiting);
              waiting = [];
            }
            await push(storage, 's', waiting);
            return contentOf(storage, 's');
          });
          expect(kept.meta.digest).toEqual(digestOf(kept));
          expect(kept.log).toHaveLength(steps.length);
          const entries = kept.log.map(({ stamp, dot, text }) => ({ stamp, dot: dot!, change: JSON.parse(text!) }));
          const replayed = await withStorage(create(), async (storage) => {
            await takePage(storage, 's', entries);
            return contentOf(storage, 's');
          });
          expect(replayed.meta.digest).toEqual(kept.meta.digest);
          expect(replayed.meta.chain).toEqual(kept.meta.chain);
          const byId = (records: SpaceContent['records']): SpaceContent['records'] =>
            records.toSorted((a, b) => (a.id < b.id ? -1 : 1));
          expect(byId(replayed.records)).toEqual(byId(kept.records));
        }),
        { numRuns: histories },
      );
    });
  });
}

/** The digest of the records as they are read, counted anew. */
function digestOf({ records }: SpaceContent): Digest {
  return records.reduce<Digest>(
    (digest, { c, id, state }) => exchange(digest, EMPTY_DIGEST, digestOfRecord(c, id, recordFromJson(state))),
    EMPTY_DIGEST,
  );
}

/** A record is made, edited without having seen the last edit, or deleted as it is at the writer's. */
const step = fc.record({ inc: fc.constantFrom('A', 'B', 'C'), id: fc.nat(4), what: fc.nat(4), split: fc.boolean() });

function history(steps: readonly { inc: string; id: number; what: number }[]): readonly Change[] {
  const seqs = new Map<string, number>();
  const lives = new Map<string, string>();
  return steps.map(({ inc: name, id, what }) => {
    const inc = name.repeat(16);
    const seq = (seqs.get(inc) ?? 0) + 1;
    seqs.set(inc, seq);
    const made = creation(inc, seq, { id: `r${id}` });
    const last = lives.get(`${inc} ${id}`);
    lives.set(`${inc} ${id}`, made.dot);
    if (what > 1) return made;
    const pred = last === undefined ? [] : [last];
    const op =
      what === 0
        ? ({ t: 'life', v: 'dead', pred } as const)
        : ({ t: 'set', p: 'title', v: { [`b${seq}`]: 1, a: [seq] }, pred } as const);
    return { ...made, recs: [{ ...made.recs[0]!, rv: pred, ops: [op] }] };
  });
}

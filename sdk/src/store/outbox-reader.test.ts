import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { OutboxItem } from './device-store.ts';
import type { OutboxRow } from './layout.ts';
import { createOutboxReader, type OutboxLimits, type OutboxReader } from './outbox-reader.ts';
import { outboxItems } from './page-plan.ts';

/** A change in so many parts, with the sizes that the store notes. */
function change(order: number, parts = 1): OutboxRow[] {
  return Array.from({ length: parts }, (_, part) => {
    const rec = {
      c: 'notes',
      id: `${order}.${part}`,
      rv: [],
      ops: [{ t: 'set', p: 'body', v: 'x', pred: [] }],
    } as const;
    const head = part === 0 ? { dot: `AAAAAAAAAAAAAAAA.${order}`, head: { hlc: order, deps: {} } } : {};
    return { order, part, recs: [rec], bytes: JSON.stringify(rec).length + 1, ...head };
  });
}

/** An outbox in memory that counts how often it is asked, and answers when it is told to. */
class Outbox {
  rows: OutboxRow[] = [];
  reads = 0;
  /** Set: what is asked waits for it. */
  gate: Promise<void> = Promise.resolve();
  readonly reader: OutboxReader = createOutboxReader(async (behind, count) => {
    this.reads += 1;
    const [order, part] = typeof behind === 'number' ? [behind, Infinity] : (behind ?? [-Infinity, 0]);
    const found = this.rows.filter((row) => row.order > order || (row.order === order && row.part > part));
    await this.gate;
    return found.slice(0, count);
  });
}

function positions(items: readonly OutboxItem[] | null): number[] | null {
  return items && items.map(({ position }) => position);
}

const FEW: OutboxLimits = { changes: 2, bytes: 1_000_000 };

describe('reading the outbox from the front', () => {
  it('[OBR1] gives every change once, whole and in order, whatever the limits, their parts and the places where reading stops', async () => {
    const limits = fc.record({ changes: fc.integer({ min: 1, max: 400 }), bytes: fc.integer({ min: 1, max: 60_000 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 300 })), {
          maxLength: 700,
        }),
        fc.array(limits, { minLength: 1, maxLength: 6 }),
        async (parts, given) => {
          const outbox = new Outbox();
          outbox.rows = parts.flatMap((count, i) => change(i + 1, count));
          const got: OutboxItem[] = [];
          for (let i = 0; ; i++) {
            const after = got.at(-1)?.position ?? null;
            const max = given[i % given.length]!;
            const rest = outbox.rows.filter(({ order }) => after === null || order > after);
            const items = outbox.reader.peek(after, max) ?? (await outbox.reader.read(after, max));
            expect(items).toEqual(outboxItems(rest, max));
            if (items.length === 0) break;
            got.push(...items);
          }
          expect(got).toEqual(outboxItems(outbox.rows, { changes: Infinity, bytes: Infinity }));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('[OBR2] what follows is known without asking, also while the storage is busy', async () => {
    const outbox = new Outbox();
    outbox.rows = Array.from({ length: 1_500 }, (_, i) => change(i + 1)).flat();
    await outbox.reader.read(null, FEW);
    await expect.poll(() => outbox.reads).toBeGreaterThan(3);
    outbox.gate = new Promise(() => undefined);
    expect(positions(outbox.reader.peek(2, { changes: 500, bytes: 1_000_000 }))).toHaveLength(500);
    expect(outbox.reader.peek(3, FEW)).toBeNull();
    expect(positions(outbox.reader.peek(502, FEW))).toEqual([503, 504]);
  });

  it('[OBR2] what was written meanwhile follows', async () => {
    const outbox = new Outbox();
    outbox.rows = [change(1), change(2), change(3)].flat();
    expect(positions(await outbox.reader.read(null, FEW))).toEqual([1, 2]);
    outbox.rows.push(...change(4));
    expect(positions(outbox.reader.peek(2, FEW))).toEqual([3]);
    expect(outbox.reader.peek(3, FEW)).toBeNull();
    expect(positions(await outbox.reader.read(3, FEW))).toEqual([4]);
    expect(positions(await outbox.reader.read(4, FEW))).toEqual([]);
  });

  it('[OBR3] what was altered is read anew, also when it was being read then', async () => {
    const outbox = new Outbox();
    outbox.rows = Array.from({ length: 600 }, (_, i) => change(i + 1)).flat();
    const open = Promise.withResolvers<void>();
    await outbox.reader.read(null, FEW);
    outbox.gate = open.promise;
    const reading = outbox.reader.read(300, FEW);
    outbox.rows = outbox.rows.map((row) => ({ ...row, recs: [] }));
    outbox.reader.forget();
    open.resolve();
    await reading;
    expect(outbox.reader.peek(2, FEW)).toBeNull();
    expect(outbox.reader.peek(302, FEW)).toBeNull();
    for (const after of [null, 2, 302]) {
      const items = await outbox.reader.read(after, FEW);
      expect(items.map((item) => item.change.recs)).toEqual([[], []]);
    }
  });

  it('[OBR3] a reading that fails is told to whoever needs it, and the next one works', async () => {
    let isBroken = false;
    const rows = Array.from({ length: 600 }, (_, i) => change(i + 1)).flat();
    const reader = createOutboxReader(async (behind, count) => {
      if (isBroken) throw new Error('the disk');
      const [order] = typeof behind === 'number' ? [behind] : (behind ?? [-Infinity]);
      return rows.filter((row) => row.order > order).slice(0, count);
    });
    isBroken = true;
    await expect(reader.read(null, FEW)).rejects.toThrow('the disk');
    isBroken = false;
    const first = reader.read(null, FEW);
    await first;
    isBroken = true;
    await Promise.resolve();
    isBroken = false;
    expect(positions(await reader.read(2, { changes: 500, bytes: 10_000_000 }))).toHaveLength(500);
  });
});

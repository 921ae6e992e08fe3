import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from '../../device.fixture.ts';
import { startServer, temporaryFolder } from '../../server.fixture.ts';
import { creation, push } from '../contract.ts';
import { sqlite } from './sqlite.ts';

const MAX_WAL_BYTES = 2_000_000;
const INC = 'w---------------';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'skerry.db');
});

afterEach(() => folder.remove());

describe('the write-ahead log', { timeout: 60_000 }, () => {
  it('[WAL1] stays within bounds while spaces are pinned: the oldest are let go, and only as many as needed', async () => {
    const storage = await sqlite(file, { maxWalBytes: MAX_WAL_BYTES }).open();
    let seq = 0;
    const write = async (bytes: number): Promise<number> => {
      const change = creation(INC, ++seq, { id: `r-${seq}`, label: 'x'.repeat(100) });
      const ops = [...change.recs[0]!.ops, { t: 'set', p: 'body', v: 'y'.repeat(bytes), pred: [] } as const];
      await push(storage, 'a', [{ ...change, recs: [{ ...change.recs[0]!, ops }] }]);
      return statSync(`${file}-wal`).size;
    };
    await write(10);
    const [old, ...others] = [await storage.pin('a', DEFAULT_LIMITS), await storage.pin('a', DEFAULT_LIMITS)];
    expect([old!, ...others].map((pinned) => pinned.isGone!())).toEqual([false, false]);
    let largest = 0;
    while (!old!.isGone!()) largest = Math.max(largest, await write(8_000));
    const young = await storage.pin('a', DEFAULT_LIMITS);
    for (let i = 0; i < 300; i++) largest = Math.max(largest, await write(8_000));
    expect(largest).toBeGreaterThan(MAX_WAL_BYTES);
    expect(largest).toBeLessThan(3 * MAX_WAL_BYTES);
    for (const pinned of [old!, ...others, young]) pinned.release();
    for (let i = 0; i < 100; i++) await write(10);
    expect(statSync(`${file}-wal`).size).toBeLessThanOrEqual(MAX_WAL_BYTES);
    await storage.close();
  });

  it('[WAL2] a device whose snapshot was let go comes again and is given another', async () => {
    await using server = await startServer({
      storage: sqlite(file, { maxWalBytes: 300_000 }),
      limits: { recordsPerPiece: 10 },
    });
    const writer = await TestDevice.connect(server.url);
    const source = new TestWriter('w');
    const ops = [{ t: 'set', p: 'body', v: 'x'.repeat(5_000), pred: [] }] as const;
    const next = (i: number) => source.next({ recs: [{ c: 'notes', id: `r-${i}`, rv: [], ops }] });
    for (let i = 0; i < 40; i++) await writer.push(next(i));
    const device = await TestDevice.connect(server.url, { wantsSnapshot: true });
    const { id } = device.welcome.bootstrap!;
    await device.next('snapshot');
    await device.next('snapshot');
    for (let i = 40; i < 300; i++) await writer.push(next(i));
    device.send({ type: 'staged', id, piece: 0 });
    expect(await device.closed).toEqual({ code: 1013, reason: 'INTERNAL' });
    const again = await TestDevice.connect(server.url, { wantsSnapshot: true, resume: { id, next: 1 } });
    expect(again.welcome.bootstrap).toMatchObject({ from: 0, records: 300 });
    expect(again.welcome.bootstrap!.id).not.toBe(id);
  });
});

/** Silent damage: a value in a device's database is not what was written there. */
import { lifeStatus, type Entry, type RecordState } from '@skerry/sdk/kernel';
import type { MemoryDisk } from '@skerry/sdk/testing';

import type { Dice } from './dice.ts';
import { COLLECTION } from './workload.ts';
import { show } from './closed-form.ts';

export interface Corruption {
  readonly id: string;
  /** What was altered, in words. */
  readonly words: string;
}

/** Alters one confirmed value of one record; null when there is none. */
export function corruptRecord(disk: MemoryDisk, dice: Dice): Corruption | null {
  const candidates = [...disk.records].flatMap(([key, row]) => {
    const isOut = row.c !== COLLECTION || row.pending.length > 0 || !row.base || lifeStatus(row.base) === 'dead';
    const paths = isOut ? [] : [...row.base!.cells.keys()];
    const registers = paths.filter((path) => row.base!.cells.get(path)!.some((entry) => entry.v !== undefined));
    return registers.map((path) => ({ key, row, base: row.base!, path }));
  });
  if (candidates.length === 0) return null;
  const { key, row, base, path } = dice.pick(candidates);
  const [first, ...others] = base.cells.get(path)! as [Entry, ...Entry[]];
  const cells = new Map(base.cells).set(path, [{ ...first, v: 'broken' }, ...others]);
  const broken: RecordState = { ...base, cells };
  disk.records.set(key, { ...row, base: broken });
  return { id: row.id, words: `${path} of ${show(key)}` };
}

/** Silent damage: a value in a device's database is not what was written there. */
import type { Entry, RecordState } from '@skerry/sdk/kernel';
import type { MemoryDisk } from '@skerry/sdk/testing';

import type { Dice } from './dice.ts';
import { show } from './closed-form.ts';

/** Alters one confirmed value of one record. Returns what, in words; null when there is none. */
export function corruptRecord(disk: MemoryDisk, dice: Dice): string | null {
  const candidates = [...disk.records].flatMap(([key, row]) => {
    const paths = row.pending.length > 0 || !row.base ? [] : [...row.base.cells.keys()];
    const registers = paths.filter((path) => row.base!.cells.get(path)!.some((entry) => entry.v !== undefined));
    return registers.map((path) => ({ key, row, base: row.base!, path }));
  });
  if (candidates.length === 0) return null;
  const { key, row, base, path } = dice.pick(candidates);
  const [first, ...others] = base.cells.get(path)! as [Entry, ...Entry[]];
  const cells = new Map(base.cells).set(path, [{ ...first, v: 'broken' }, ...others]);
  const broken: RecordState = { ...base, cells };
  disk.records.set(key, { ...row, base: broken });
  return `${path} of ${show(key)}`;
}

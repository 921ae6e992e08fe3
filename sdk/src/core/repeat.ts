/** A change that a replica has applied comes again, under another number and maybe another clock stamp: what that alters. */
import type { RecordChange } from './change.ts';
import { numberClaims } from './claim-stamps.ts';
import { raiseStamp } from './raise-stamp.ts';
import type { Mark, RecordState } from './record.ts';
import type { Stamp } from './version-vector.ts';

/** In place. Whether there was anything to alter. */
export function repeatRecordChange(record: RecordState, mark: Mark, change: RecordChange, stamp: Stamp): boolean {
  const isRaised = raiseStamp(record, mark, change);
  return numberClaims(record, mark.dot, change, stamp) || isRaised;
}

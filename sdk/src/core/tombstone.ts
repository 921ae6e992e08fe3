/**
 * When a deleted record may be forgotten: everywhere, for good, without asking a device. It is safe because every server
 * refuses operations on it from its promised horizon on, not because of clocks or acknowledgements.
 */
import { isUuidV7 } from '../lib/ids.ts';
import { lifeStatus, type RecordState } from './record.ts';
import { reaches } from './topology.ts';
import type { VersionVector } from './version-vector.ts';

/**
 * Whether the record is deleted by what lies at or below `horizon`, with no edit that the delete had not seen. Only
 * records whose id was generated: an id that somebody chose may be used again, and its tombstone stays.
 */
export function isExpired(id: string, record: RecordState, horizon: VersionVector): boolean {
  if (lifeStatus(record) !== 'dead' || !isUuidV7(id)) return false;
  return record.life.every((entry) => entry.stamp !== undefined && reaches(horizon, entry.stamp));
}

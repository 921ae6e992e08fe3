/** When a record was deleted, as a storage keeps it beside the record to find those that may be forgotten. */
import { isUuidV7, lifeStatus, type RecordState, type Stamp } from '@skerry/sdk/kernel';

/** The stamp of a delete after which the record may be forgotten one day. */
export function deathOf(id: string, record: RecordState): Stamp | null {
  if (!isUuidV7(id) || lifeStatus(record) !== 'dead') return null;
  return record.life.at(-1)?.stamp ?? null;
}

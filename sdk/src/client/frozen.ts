/**
 * A frozen page answers nobody: an open connection of it would hold up every upgrade of the database. So it has none
 * while it is frozen, and afterwards it looks again at what others wrote meanwhile.
 */
import { announceEverything } from '../store/announce.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import { onFreeze } from '../worker/page-events.ts';

/** Returns how to end that. */
export function restWhileFrozen({ rest, wake }: Pick<LocalDatabase, 'rest' | 'wake'>): () => void {
  // What is under way is finished; calls wait for the connection.
  return onFreeze(rest, () => void wake().then(announceEverything, announceEverything));
}
